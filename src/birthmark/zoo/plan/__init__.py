"""What a zoo is to be: its plan."""

from birthmark.zoo.plan.file import checked, names, open_plan, text_of
from birthmark.zoo.plan.folder import open_zoo
from birthmark.zoo.plan.plan import Plan
from birthmark.zoo.plan.scale import SCALES
from birthmark.zoo.plan.sections import Group, NewTask, Part, Role, Scalar, Schedule

__all__ = [
    "SCALES",
    "Group",
    "NewTask",
    "Part",
    "Plan",
    "Role",
    "Scalar",
    "Schedule",
    "checked",
    "names",
    "open_plan",
    "open_zoo",
    "text_of",
]
