"""The description of the API is true: requests made from it are answered as it says."""

from __future__ import annotations

import schemathesis
from conftest import make_app, serving
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi import checks
from web_fakes import ScriptedAssistant

from rag.types import Question

load_all_checks()
TRUE = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
ENOUGH = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


class Polite(ScriptedAssistant):
    """Answers whatever is asked: the words that make the other one fail are only words here."""

    def stream(self, question, filters=(), *, cancelled=lambda: False):
        yield from super().stream(Question("What?"), filters, cancelled=cancelled)

    def search(self, query, k, filters=()):
        return super().search("What?", k, filters)


def test_the_api_is_as_described(tmp_path):
    with serving(make_app(Polite(), data_dir=tmp_path)) as url:
        schema = schemathesis.openapi.from_url(url + "/api/v1/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations()]
        for operation in operations:

            @ENOUGH
            @given(operation.as_strategy())
            def every_case(case):
                case.call_and_validate(checks=TRUE)

            every_case()
    assert len(operations) >= 18
