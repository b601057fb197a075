"""The models of a zoo, one by one, as its plan has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from birthmark.common.errors import BirthmarkError
from birthmark.zoo.models.member import Member
from birthmark.zoo.plan import Group, Plan, Role
from birthmark.zoo.recipes.lookup import keeps_network, needs_parent, require_fit


def members(plan: Plan) -> list[Member]:
    """All models of a plan at its scale, parents before children.

    Raises
    ------
    BirthmarkError
        If a recipe or a parameter of one is wrong.
    """
    listed: dict[str, list[Member]] = {}
    for number, group in enumerate(plan.groups):
        count = 1 if group.role is Role.VICTIM else plan.size.counts.get(group.role, group.count)
        listed[group.name] = [_member(plan, group, number, i, listed) for i in range(count)]
        for member in listed[group.name]:
            try:
                require_fit(member.recipe, member.parameters, plan.task)
            except BirthmarkError as error:
                subject = f"group {group.name!r}, {error.subject}"
                raise BirthmarkError(subject, error.problem, error.fix) from error
        if needs_parent(group.recipe) != bool(group.parents):
            needs = "needs parents" if not group.parents else "takes no parents"
            raise BirthmarkError(
                f"group {group.name!r}", f"the recipe {group.recipe} {needs}", "fix its parents"
            )
        if group.starts and keeps_network(group.recipe):
            raise BirthmarkError(
                f"group {group.name!r}",
                f"the recipe {group.recipe} begins with its parent's weights",
                "remove its starts",
            )
    return [member for group in listed.values() for member in group]


def copies(listed: Sequence[Member]) -> set[str]:
    """Names of the members that descend from the victim."""
    found = {"victim"}
    for member in listed:
        if member.parent in found:
            found.add(member.name)
    return found - {"victim"}


def _member(
    plan: Plan, group: Group, number: int, i: int, listed: Mapping[str, Sequence[Member]]
) -> Member:
    parent = _taken(group.parents, i, listed) if group.parents else None
    start = _taken(group.starts, i, listed) if group.starts else None
    families = group.families or list(plan.families)
    network = parent if parent is not None and keeps_network(group.recipe) else start
    turn = i // len(families)
    return Member(
        name="victim" if group.role is Role.VICTIM else f"{group.name}/{i}",
        group=group.name,
        role=group.role,
        recipe=group.recipe,
        parameters={
            key: value[i % len(value)] if isinstance(value, list) else value
            for key, value in group.parameters.items()
        },
        family=families[i % len(families)] if network is None else network.family,
        seed=(plan.seed * 1000 + number) * 1000 + i,
        parent=parent.name if parent else None,
        start=start.name if start else None,
        data=group.data[turn % len(group.data)],
    )


def _taken(groups: Sequence[str], i: int, listed: Mapping[str, Sequence[Member]]) -> Member:
    """The i-th of groups that are gone through in turn; `group/2` names a single model."""
    group, _, number = groups[i % len(groups)].partition("/")
    place = int(number) if number else i // len(groups)
    return listed[group][place % len(listed[group])]
