"""Imports flow one way; this reads them from the source and fails when a wall is broken."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = sorted([*(PROJECT / "rag").rglob("*.py"), *(PROJECT / "eval").rglob("*.py")])

# A layer may import itself and what stands above it in this list.
LAYERS = [
    ["rag.types", "rag.errors", "rag.notes", "rag.every"],
    ["rag.settings_sources", "rag.printable", "rag.interrupts"],
    ["rag.settings", "rag.store.collections", "rag.store.filters", "rag.store.records"],
    [
        "rag.ingest.sentences",
        "rag.ingest.passages",
        "rag.retrieval.fusion",
        "rag.language",
        "rag.bert",
    ],
    ["rag.ingest.readers", "rag.store", "rag.retrieval.packaged"],
    ["rag.retrieval.embedding"],
    ["rag.ingest.sandbox", "rag.ingest.ahead"],
    ["rag.ingest.files", "rag.ingest.reading", "rag.ingest.shard_rows", "rag.ingest.shards"],
    ["rag.ingest.report", "rag.ingest.batch"],
    ["rag.ingest.pipeline", "rag.retrieval", "rag.answering"],
    ["rag.ingest.on_ray"],
    ["rag.assistant", "rag.answer_json", "rag.support_words"],
    ["rag.history"],
    ["rag.build"],
    [
        "rag.ingest_command",
        "rag.backup_command",
        "rag.watch_command",
        "rag.status",
        "rag.terminal",
        "rag.web",
    ],
    ["rag.cli_options", "rag.serve_command", "rag.ray_command"],
    ["rag.batch", "rag.cli_checks"],
    ["rag.store_cli", "rag.ask_cli", "rag.access_cli", "rag.history_cli"],
    ["rag.cli"],
    ["rag.__main__"],
    ["eval"],
]

# A library, and the only places that may import it, at any depth of the code.
ONLY_IN = {
    "chromadb": {"rag.store.vectors", "rag.store.indexes"},
    "gradio": {"rag.web"},
    "fastapi": {"rag.web"},
    "uvicorn": {"rag.web"},
    "sqlite3": {"rag.store", "eval.ablation_words"},
    "sqlalchemy": {"rag.history"},
    "alembic": {"rag.history"},
    "pg8000": set(),  # SQLAlchemy imports it, when it is installed
    "py3langid": {"rag.language"},
    "ray": {"rag.ingest.on_ray"},
    "pyarrow": {"rag.ingest.shard_rows", "rag.ingest.shards", "rag.ingest.on_ray"},
    "trafilatura": {"rag.ingest.readers"},
    "docx": {"rag.ingest.readers"},
    "pptx": {"rag.ingest.readers"},
    "openpyxl": {"rag.ingest.readers", "eval.spreadsheet"},
    "PIL": {"rag.ingest.readers"},
    "pypdfium2": {"rag.ingest.readers"},
    "typer": {
        "rag.cli",
        "rag.cli_options",
        "rag.store_cli",
        "rag.ask_cli",
        "rag.batch",
        "rag.access_cli",
        "rag.history_cli",
        "eval.cli",
        "eval.cli_options",
        "eval.cli_sets",
        "eval.cli_tuning",
    },
    "sentence_transformers": {"rag.retrieval.embedding"},
}

# The rooms of a package, and which of them each may import. What lies beside them (Protocols,
# citations, errors as JSON, threads) belongs to everybody and knows no room; what stands over them
# knows all. A room names only rooms above it, so no two can come to need each other.
ROOMS: dict[str, dict[str, set[str]]] = {
    "rag.answering": {
        "text": set(),
        "question": {"text"},
        "reading": {"text", "question"},
        "checking": {"text", "question", "reading"},
        "chat": {"text", "question", "checking"},
    },
    "rag.web": {
        "people": set(),
        "gate": {"people"},
        "pages": {"people"},
        "history": {"people"},
        "api": {"people", "gate", "pages", "history"},
        "chat": {"people", "pages", "history"},
    },
}
OVER_THE_ROOMS = {
    "rag.answering.reader",
    "rag.answering.generation",
    "rag.web.server",
    "rag.web.port",
}

# Importing Footnote must stay cheap: these load only when they are used.
NEVER_AT_IMPORT = {
    "torch", "transformers", "sentence_transformers", "chromadb", "gradio", "trafilatura", "docx",
    "pptx", "openpyxl", "PIL", "pypdfium2", "matplotlib", "ray",
    "pyarrow",
}  # fmt: skip
# These are imported only when a server is being built.
WITH_GRADIO = [
    f"rag.web.chat.{name}" for name in ("chat_page", "connecting", "past_side", "regions")
]


def module_name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> list[tuple[str, bool]]:
    """Return (module, whether at import time) for every import of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lazy: set[int] = set()
    for node in ast.walk(tree):
        deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        )
        if deferred:
            lazy |= {id(child) for child in ast.walk(node)}
    found: list[tuple[str, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) not in lazy) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            found += [(f"{node.module}.{a.name}", id(node) not in lazy) for a in node.names]
    return found


def inside(module: str, roots: set[str] | list[str]) -> bool:
    return any(module == root or module.startswith(root + ".") for root in roots)


def layer(module: str) -> int:
    """Return the layer whose entry is the longest that contains the module."""
    best = max(
        ((len(root), number) for number, roots in enumerate(LAYERS) for root in roots
         if inside(module, [root])),
        default=None,
    )  # fmt: skip
    assert best is not None, f"{module} has no layer: add it to LAYERS"
    return best[1]


def known_module(name: str) -> str:
    """Strip the imported name off: `rag.types.Hit` is in the module `rag.types`."""
    while name:
        path = PROJECT.joinpath(*name.split("."))
        if path.with_suffix(".py").exists() or (path / "__init__.py").exists():
            return name
        name = name.rpartition(".")[0]
    raise AssertionError("not a module of this project")


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_flow_one_way(path):
    module = module_name(path)
    if module == "rag" or (path.name == "__init__.py" and not imports(path)):
        return
    for name, _ in imports(path):
        if name.split(".")[0] in ("rag", "eval"):
            target = known_module(name)
            assert layer(target) <= layer(module), f"{module} imports {target}, a layer above it"


def package_and_room(module: str) -> tuple[str, str]:
    """Return the package with rooms that a module is in, and its room: "" for what lies beside."""
    package = next((package for package in ROOMS if inside(module, [package])), "")
    room = module.removeprefix(package).removeprefix(".").partition(".")[0]
    is_room = bool(package) and PROJECT.joinpath(*package.split("."), room).is_dir()
    return package, room if is_room else ""


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if inside(module_name(path), [*ROOMS])], ids=module_name
)
def test_rooms_import_what_they_may(path):
    module = module_name(path)
    if module in OVER_THE_ROOMS:
        return
    package, own = package_and_room(module)
    allowed = {"", own, *ROOMS[package][own]} if own else {""}
    for name, _ in imports(path):
        if inside(name, [package]):
            target = known_module(name)
            assert target not in OVER_THE_ROOMS, f"{module} imports {target}"
            assert package_and_room(target)[1] in allowed, f"{module} imports {target}"


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_need_each_other_one_way(package):
    above: set[str] = set()
    for room, needed in ROOMS[package].items():
        assert needed <= above, f"{room} needs {needed - above}, which stands below it"
        above.add(room)
    folders = PROJECT.joinpath(*package.split(".")).glob("*/__init__.py")
    assert {path.parent.name for path in folders} == above


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_libraries_stay_in_their_rooms(path):
    module = module_name(path)
    for name, _ in imports(path):
        allowed = ONLY_IN.get(name.split(".")[0])
        if allowed is not None and module.startswith("rag"):
            assert inside(module, allowed), f"{module} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_heavy_libraries_are_imported_where_they_are_used(path):
    module = module_name(path)
    if inside(module, WITH_GRADIO):
        return
    for name, at_import in imports(path):
        assert not (at_import and name.split(".")[0] in NEVER_AT_IMPORT), f"{module}: {name}"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_only_settings_reads_the_environment(path):
    if module_name(path) == "rag.settings":
        return
    source = path.read_text(encoding="utf-8")
    assert "os.environ" not in source
    assert "getenv" not in source
