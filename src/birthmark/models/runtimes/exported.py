"""What is refused in an archive of `torch.export`, since reading it would run it.

`torch.export.load` unpickles sample inputs, opaque constants and pickled tensors, loads compiled
libraries, evaluates expressions of sizes and guards, resolves operators by name, and writes the
names in a graph into Python code. So only plain tensors, names and operators are let through, and
the archive is written anew from what was checked.
"""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.archives import members, parsed, rewritten

AGAIN = "write it again with torch.export.save, or export it to ONNX (torch.onnx.export)"
MODEL = "models/model.json"
KEPT = re.compile(
    r"archive_format|archive_version|byteorder|\.data/(version|serialization_id)|"
    r"data/weights/(model_weights_config\.json|weight_\d+)|"
    r"data/constants/(model_constants_config\.json|tensor_\d+)"
)
DROPPED = re.compile(r"data/sample_inputs/model\.pt|extra/.*")
PAYLOAD = re.compile(r"(weight|tensor)_\d+")
WORDS = re.compile(r"[\w.#<>=+\- ,]*", re.ASCII)
NAMES = re.compile(r"[\w.]*", re.ASCII)
OPERATORS = re.compile(
    r"torch\.ops\.(aten|prims)\.(?!(save|from_file)\b)\w+(\.\w+)?|"
    r"_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|pos|and_|or_|not_|lt|le|eq|ne|ge|gt|"
    r"getitem)|"
    r"math\.(ceil|floor|trunc|sqrt|pow)|"
    r"torch\.sym_(int|float|max|min|not|ite|sum)|torch\._sym_sqrt|"
    r"torch\.ops\.higher_order\.(cond|wrap_with_set_grad_enabled|wrap_with_autocast)"
)
SIZES = re.compile(
    r"s\d+|u\d+|zuf\d+|int_oo|oo|Mul|Add|Pow|Integer|Float|Rational|Half|One|Zero|"
    r"NegativeOne|Equality|Unequality|LessThan|GreaterThan|StrictLessThan|StrictGreaterThan|"
    r"Max|Min|Mod|PythonMod|FloorDiv|CleanDiv|CeilDiv|ModularIndexing|"
    r"Where|CeilToInt|FloorToInt|TruncToInt|RoundToInt|ToFloat|IntTrueDiv|FloatTrueDiv|"
    r"PowByNatural|FloatPow|Eq|Ne|Lt|Le|Gt|Ge|And|Or|Not|Abs|Symbol|true|false"
)
EXPRESSION = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.keyword, ast.Name,
    ast.Constant, ast.operator, ast.unaryop, ast.cmpop, ast.Load,
)  # fmt: skip


def cleaned(path: Path) -> io.BytesIO:
    """The archive with nothing in it that runs when it is read.

    Raises
    ------
    BirthmarkError
        If it is no such archive, or would not be one without what runs.
    """
    contents: dict[str, bytes] = {}
    roots = set()
    for full, content in members(path, AGAIN).items():
        root, _, name = full.partition("/")
        roots.add(root)
        contents[name] = content
    if len(roots) != 1 or MODEL not in contents:
        raise BirthmarkError(path, "is not an archive of torch.export", AGAIN)
    kept = {}
    for name, content in contents.items():
        if KEPT.fullmatch(name):
            kept[name] = _payloads(path, name, content) if name.endswith(".json") else content
        elif name == MODEL:
            kept[name] = _program(path, content)
        elif not DROPPED.fullmatch(name):
            what = "compiled code" if "aotinductor" in name else "which only unpickling could read"
            raise BirthmarkError(path, f"holds {name}, {what}", AGAIN)
    kept["data/sample_inputs/model.pt"] = b""
    (root,) = roots
    return rewritten({f"{root}/{name}": content for name, content in kept.items()})


def _payloads(path: Path, name: str, content: bytes) -> bytes:
    config = parsed(path, name, content, AGAIN)
    for payload in _dictionary(path, _dictionary(path, config).get("config")).values():
        payload = _dictionary(path, payload)
        if payload.get("use_pickle") is not False:
            raise BirthmarkError(path, f"{name} names a pickle", AGAIN)
        if not PAYLOAD.fullmatch(str(payload.get("path_name"))):
            raise BirthmarkError(path, f"{name} names {payload.get('path_name')}", AGAIN)
    _require_plain(path, config, "")
    return json.dumps(config).encode()


def _program(path: Path, content: bytes) -> bytes:
    program = _dictionary(path, parsed(path, MODEL, content, AGAIN))
    program["guards_code"] = []
    module = _dictionary(path, program.get("graph_module"))
    module["metadata"] = {}
    module["treespec_namedtuple_fields"] = {}
    _require_plain(path, program, "")
    return json.dumps(program).encode()


def _require_plain(path: Path, value: Any, key: str) -> None:
    """Every string in a document is a name, an operator, a size or a word, by where it stands."""
    if isinstance(value, dict):
        if "metadata" in value:
            value["metadata"] = {}
        for name, inner in value.items():
            _require(path, name, _is_name(name))
            _require_plain(path, inner, name)
    elif isinstance(value, list):
        for inner in value:
            _require_plain(path, inner, key)
    elif isinstance(value, str):
        _require(path, value, CHECKS.get(key, _is_name)(value))


def _is_name(text: str) -> bool:
    return NAMES.fullmatch(text) is not None


def _is_word(text: str) -> bool:
    return WORDS.fullmatch(text) is not None


def _is_operator(text: str) -> bool:
    return OPERATORS.fullmatch(text) is not None


def _is_size(text: str) -> bool:
    try:
        nodes = list(ast.walk(ast.parse(text, mode="eval"))) if len(text) < 1000 else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(nodes) and all(
        isinstance(node, EXPRESSION)
        and (not isinstance(node, ast.Name) or SIZES.fullmatch(node.id) is not None)
        and (not isinstance(node, ast.Call) or isinstance(node.func, ast.Name))
        and (not isinstance(node, ast.Constant) or _is_number_or_symbol(node.value))
        for node in nodes
    )


def _is_number_or_symbol(value: object) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"(s|u|zuf)\d+|-?[\d.]+(e[+-]?\d+)?", value) is not None
    return isinstance(value, int | float)


def _is_tree(text: str) -> bool:
    """A tree of tuples, lists and dictionaries with plain keys."""
    try:
        waiting = [json.loads(text)[1]]
        while waiting:
            node = waiting.pop()
            context = json.loads(node["context"] or "null")
            names = context if isinstance(context, list) else [context]
            if node["type"] not in (None, "builtins.tuple", "builtins.list", "builtins.dict"):
                return False
            if not all(n is None or (isinstance(n, str) and NAMES.fullmatch(n)) for n in names):
                return False
            waiting += node["children_spec"]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return False
    return True


CHECKS: dict[str, Callable[[str], bool]] = {
    "target": _is_operator,
    "as_operator": _is_operator,
    "expr_str": _is_size,
    "in_spec": _is_tree,
    "out_spec": _is_tree,
    "as_string": _is_word,
    "as_strings": _is_word,
    "torch_version": _is_word,
}


def _require(path: Path, text: str, harmless: bool) -> None:
    if not harmless:
        raise BirthmarkError(path, f"holds {text[:80]!r}, which is not allowed", AGAIN)


def _dictionary(path: Path, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BirthmarkError(path, "is not an archive of torch.export", AGAIN)
    return value
