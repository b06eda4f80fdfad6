"""A real store with three collections behind a real server, and people who may read one or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI

from rag.build import open_ingestor, open_parts
from rag.history.opening import open_history
from rag.history.records import KeptTurn, new_id, now
from rag.settings import Settings
from rag.web.api.writing import StoreWriter
from rag.web.people.access import Right
from rag.web.people.identity import key_file, suspended_file
from rag.web.server import create_app

SECRETS = ("xylophantine", "quartzferret", "zephyrine")
"""Words of the forbidden document alone: of its text, its title and its file's name."""
QUESTION = "What is the password of the vault?"

HANDBOOK = "# The handbook\n\nThe canteen opens at noon. No password of any vault stands here.\n"
PAYROLL = "# Payroll by quartzferret\n\nThe password of the vault is xylophantine. Tell nobody.\n"
CONTRACTS = "# Contracts\n\nThe contract with the supplier of vaults ends in May of that year.\n"

PEOPLE = ("nobody", "other", "other member", "member", "expired", "suspended")
GROUPS = {
    "other": (),
    "other member": ("lawyers",),
    "member": ("hr-staff", "singers"),
    "expired": ("hr-staff",),
    "suspended": ("hr-staff",),
}


@dataclass
class Shared:
    """A server's application, and what its people send along."""

    app: FastAPI
    settings: Settings
    secret_id: str
    secret_passage: str
    keys: dict[str, str] = field(default_factory=dict)

    def headers(self, person: str) -> dict[str, str]:
        key = self.keys.get(person)
        return {} if key is None else {"authorization": f"Bearer {key}"}

    def conversation_of(self, person: str) -> str:
        """Keep a conversation of somebody's; return its id."""
        key = key_file(self.settings).find(self.keys[person])
        assert key is not None
        conversation_id = new_id()
        said = {"text": "It is xylophantine.", "citations": []}
        turn = KeptTurn(new_id(), QUESTION, said | {"sentences": [said]}, now())
        with closing(open_history(self.settings)) as history:
            history.keep_turn(f"key {key.key_id}", conversation_id, turn, replaces="")
        return conversation_id


@contextmanager
def shared_store(folder: Path) -> Iterator[Shared]:
    """Ingest the three documents and build the server, in the mode `token`."""
    settings = Settings(
        data_dir=folder / "store",
        uploads_dir=folder / "uploads",
        embedding_model="hashing",
        reader="similarity",
        abstain_below=0.0,
        access="token",
        audit="questions",
        questions_per_minute=100_000,
        collections={"hr": ("hr-staff",), "law": ("lawyers",)},
    )
    places = {"default": "handbook.md", "hr": "zephyrine.md", "law": "contracts.md"}
    for (collection, name), text in zip(
        places.items(), (HANDBOOK, PAYROLL, CONTRACTS), strict=True
    ):
        (folder / name).write_text(text)
        with open_ingestor(settings) as ingestor:
            ingestor.ingest([str(folder / name)], collection=collection)
    with open_parts(settings) as parts:
        (secret,) = (i for i in parts.catalog.documents() if i.collection == "hr")
        held = parts.catalog.changes(0, limit=100).passages
        app = create_app(
            parts.assistant, parts.catalog, settings, writing=StoreWriter(settings, parts.catalog)
        )
        shared = Shared(
            app,
            settings,
            secret.doc_id,
            next(p.passage_id for p in held if p.doc_id == secret.doc_id),
        )
        for name, groups in GROUPS.items():
            days = -1 if name == "expired" else 1
            rights = [Right.ASK, Right.INGEST]
            _, key = key_file(settings).create(name, rights, days=days, groups=groups)
            shared.keys[name] = key
        suspended_file(settings).suspend("suspended")
        yield shared
