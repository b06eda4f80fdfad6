"""Signing in against a real provider in a process of its own, step by step and in Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import PATIENCE_MS, serving
from login import Login, provider_process
from playwright.sync_api import Browser, expect
from provider import CLIENT
from starlette.testclient import TestClient
from web_fakes import QUOTE, MemoryCatalog, ScriptedAssistant

from rag.errors import ConfigurationError, StoreError
from rag.history.records import now
from rag.history.sign_ins import SignedIn
from rag.serve_command import _keeping_nothing
from rag.settings import Settings
from rag.web.gate.gate import Gate
from rag.web.people.access import Principal, Right, principal_of
from rag.web.people.keys import KeyFile
from rag.web.people.oidc import build_open_id
from rag.web.people.sign_in import SESSION_COOKIE, local_path
from rag.web.people.signed_in import AWAY_SECONDS, TOUCH_AFTER, People, digest
from rag.web.people.suspended import SuspendedFile
from rag.web.port import listen
from rag.web.public import read_public_url
from rag.web.server import create_app

SITE = "https://localhost"
PAGE = {"accept": "text/html", "sec-fetch-dest": "document"}
JSON = {"accept": "application/json"}
QUESTION = {"question": "What did China ask?"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Login]:
    with provider_process() as login:
        login.tell("/register", redirect_uri=f"{SITE}/auth/callback")
        yield login


def settings_of(provider: Login, data_dir: Path, **changed: object) -> Settings:
    return provider.settings(data_dir, **{"public_url": SITE} | changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oidc")


@pytest.fixture(scope="module")
def app(provider: Login, folder: Path):
    return create_app(ScriptedAssistant(), MemoryCatalog(), settings_of(provider, folder))


def browser_of(app) -> TestClient:
    return TestClient(app, base_url=SITE, follow_redirects=False)


@pytest.fixture
def browser(app) -> TestClient:
    """A browser of its own, with cookies, that does not follow by itself."""
    return browser_of(app)


def begin(browser: TestClient, then: str = "/") -> str:
    """Ask to sign in; return the provider's address."""
    answer = browser.get("/auth/login", params={"then": then})
    assert answer.status_code == 303
    return answer.headers["location"]


def signed_in(browser: TestClient, provider: Login, who: str = "ann-1", then: str = "/"):
    return browser.get(provider.consent(begin(browser, then), who))


def test_a_page_leads_to_the_provider_and_back(browser, provider):
    first = browser.get("/documents/other?start=0&end=6", headers=PAGE)
    assert first.status_code == 303
    assert first.headers["location"] == "/auth/login?then=/documents/other%3Fstart%3D0%26end%3D6"
    address = browser.get(first.headers["location"]).headers["location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(provider.url + "/authorize?")
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{SITE}/auth/callback"
    assert len(asked["code_challenge"]) == 43
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    back = browser.get(provider.consent(address))
    assert back.status_code == 303
    assert back.headers["location"] == "/documents/other?start=0&end=6"
    assert browser.get(back.headers["location"], headers=PAGE).status_code == 200
    assert "You are signed in as ann-1." in browser.get("/auth/me").text
    answer = browser.post("/api/v1/chat", json=QUESTION, headers=JSON | {"origin": SITE})
    assert answer.json()["sentences"]


def test_the_cookie_is_bound_to_the_host_and_hidden_from_scripts(browser, provider):
    set_cookie = signed_in(browser, provider).headers.get_list("set-cookie")
    (session,) = [line for line in set_cookie if line.startswith(f"{SESSION_COOKIE}=")]
    secret, *attributes = session.split("; ")
    assert set(attributes) == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    assert len(secret.partition("=")[2]) == 43


def test_the_session_names_the_person_and_the_groups(app, browser, provider):
    seen = []

    async def listening(scope, receive, send):
        seen.append(principal_of(scope))
        await app(scope, receive, send)

    signed_in(browser, provider)
    gate = next(m for m in app.user_middleware if m.cls is Gate)
    outer = TestClient(Gate(listening, **gate.kwargs), base_url=SITE)
    outer.cookies = browser.cookies
    assert outer.get("/api/v1/documents").status_code == 200
    assert seen[0].name == "user ann-1"
    assert seen[0].groups == {"hr", "staff"}
    assert seen[0].rights == {Right.ASK}


def test_groups_may_be_told_elsewhere(app, browser, provider):
    provider.tell("/misbehave", how="groups elsewhere")
    assert signed_in(browser, provider, "bob-2").status_code == 303
    people = next(m for m in app.user_middleware if m.cls is Gate).kwargs["policy"]
    held = people.identity.sign_in.people.find(browser.cookies[SESSION_COOKIE])
    assert asyncio.run(held).groups == {"staff"}


WRONG = (
    "nonce", "no nonce", "audience", "two audiences", "issuer", "expired", "not yet", "no expiry",
    "no name", "a name that cannot be printed", "groups of another form", "access token",
    "other key", "key in the header", "secret as key", "client secret as key", "no algorithm",
    "signature",
)  # fmt: skip


@pytest.mark.parametrize("how", WRONG)
def test_a_token_that_is_wrong_in_any_respect_proves_nothing(browser, provider, caplog, how):
    provider.tell("/misbehave", how=how)
    answer = signed_in(browser, provider)
    assert answer.status_code == 403
    assert "You could not be signed in" in answer.text
    assert SESSION_COOKIE not in browser.cookies
    assert "no sign-in" in caplog.text
    assert browser.get("/", headers=PAGE).status_code == 303
    # The same, untouched, would have let them in.
    assert signed_in(browser, provider).status_code == 303


@pytest.mark.parametrize("state", ["", "x" * 43, "of another browser"])
def test_a_state_of_another_browser_ends_there(app, browser, provider, state):
    back = provider.consent(begin(browser))
    if state == "of another browser":
        browser = browser_of(app)
        begin(browser)
    else:
        good = parse_qs(urlsplit(back).query)["state"][0]
        back = back.replace(good, state)
    answer = browser.get(back)
    assert answer.status_code == 403
    assert SESSION_COOKIE not in browser.cookies


def test_a_code_and_a_state_serve_once(browser, provider):
    back = provider.consent(begin(browser))
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403
    # The code again under a new state: the provider knows it as used.
    used = parse_qs(urlsplit(back).query)["code"][0]
    fresh = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    again = browser.get("/auth/callback", params={"code": used, "state": fresh})
    assert again.status_code == 403


def test_a_stolen_code_is_worth_nothing_without_its_verifier(app, provider):
    """Whoever injects another's code into a sign-in of their own fails at PKCE."""
    victim, thief = browser_of(app), browser_of(app)
    code = parse_qs(urlsplit(provider.consent(begin(victim))).query)["code"][0]
    state = parse_qs(urlsplit(begin(thief)).query)["state"][0]
    answer = thief.get("/auth/callback", params={"code": code, "state": state})
    assert answer.status_code == 403
    assert SESSION_COOKIE not in thief.cookies


def test_another_issuers_answer_is_refused(browser, provider):
    back = provider.consent(begin(browser))
    assert browser.get(back + "&iss=https://evil.example").status_code == 403


def test_saying_no_at_the_provider_is_no_error_of_ours(browser, provider):
    answer = browser.get(provider.consent(begin(browser), who=""))
    assert answer.status_code == 403
    assert "access_denied" not in answer.text


def test_each_sign_in_gets_an_id_of_its_own(browser, provider):
    """A session that somebody planted, or that was there before, is not the one that opens."""
    browser.cookies.set(SESSION_COOKIE, "p" * 43, domain="localhost.local", path="/")
    signed_in(browser, provider)
    first = [c.value for c in browser.cookies.jar if c.name == SESSION_COOKIE]
    assert "p" * 43 not in first
    signed_in(browser, provider)
    (second,) = [c.value for c in browser.cookies.jar if c.name == SESSION_COOKIE]
    assert second not in first
    stale = browser_of(browser.app)
    for old in (*first, "p" * 43):
        headers = {"cookie": f"{SESSION_COOKIE}={old}"}
        assert stale.get("/api/v1/documents", headers=headers).status_code == 401


def test_who_is_suspended_is_out_at_once_by_any_of_their_names(provider, tmp_path):
    app = create_app(ScriptedAssistant(), MemoryCatalog(), settings_of(provider, tmp_path))
    browser = browser_of(app)
    signed_in(browser, provider)
    assert browser.get("/api/v1/documents").status_code == 200
    SuspendedFile(tmp_path / "suspended.json").suspend("Ann@corp")
    assert browser.get("/api/v1/documents").status_code in (401, 403)


def test_signing_out_ends_it_on_the_server(app, browser, provider):
    signed_in(browser, provider)
    held = {"cookie": f"{SESSION_COOKIE}={browser.cookies[SESSION_COOKIE]}"}
    elsewhere = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert browser.get("/auth/logout").status_code == 405
    assert browser.post("/auth/logout", headers=elsewhere).status_code == 403
    assert browser.get("/api/v1/documents").status_code == 200
    answer = browser.post("/auth/logout", headers={"origin": SITE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/me")
    assert "You are not signed in." in browser.get("/auth/me").text
    assert f"{provider.url}/end?client_id={CLIENT}" in browser.get("/auth/me").text
    assert browser_of(app).get("/api/v1/documents", headers=held).status_code == 401


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/%0d", "javascript:alert(1)",
     "evil", "", "/a b", "/\r\nx: y", "/" + "a" * 3000, "/auth/login"],
)  # fmt: skip
def test_after_signing_in_nobody_is_led_elsewhere(browser, provider, wanted):
    where = signed_in(browser, provider, then=wanted).headers["location"]
    assert where == ("/%0d" if wanted == "/%0d" else "/")


def test_after_a_restart_people_are_still_signed_in(browser, provider, folder):
    """What is signed in, begun, or signed out at one server is so at another, and after it."""
    signed_in(browser, provider)
    started = create_app(ScriptedAssistant(), MemoryCatalog(), settings_of(provider, folder))
    again = browser_of(started)
    again.cookies = browser.cookies
    assert again.get("/documents/other", headers=PAGE).status_code == 200
    assert "You are signed in as ann-1." in again.get("/auth/me", headers=PAGE).text
    assert again.post("/api/v1/chat", json=QUESTION, headers=JSON).status_code == 200
    back = provider.consent(begin(browser, "/runs"), "bob-2")
    assert again.get(back).headers["location"] == "/runs"
    assert browser.get(back).status_code == 403  # served once, wherever
    assert "signed in as bob-2" in again.get("/auth/me").text
    browser.cookies = again.cookies
    held = {"cookie": f"{SESSION_COOKIE}={browser.cookies[SESSION_COOKIE]}"}
    assert browser.get("/api/v1/documents").status_code == 200
    assert browser.post("/auth/logout").status_code == 303
    assert browser_of(started).get("/api/v1/documents", headers=held).status_code == 401


def test_who_is_not_signed_in_any_more_is_led_back_to_where_they_were(browser, provider):
    """Nothing of an old session opens anything, or is an error."""
    browser.cookies.set(SESSION_COOKIE, "o" * 43, domain="localhost.local", path="/")
    asked = browser.get("/documents/other?start=1", headers=PAGE)
    assert asked.status_code == 303
    where = urlsplit(asked.headers["location"])
    assert where.path == "/auth/login"
    assert parse_qs(where.query) == {"then": ["/documents/other?start=1"]}
    assert "You are not signed in." in browser.get("/auth/me", headers=PAGE).text
    assert browser.get("/api/v1/documents").json()["error"]["code"] == "unauthorized"
    body = {"fn_index": 0, "data": [], "session_hash": "x"}
    said = browser.post("/gradio_api/queue/join", json=body)
    words = "You are not signed in, or no longer. Load this page again to sign in."
    assert (said.status_code, said.json()) == (401, {"detail": words, "error": words})
    assert browser.post("/auth/logout").status_code == 303


def test_without_the_database_nobody_new_comes_in_and_that_is_said(provider, tmp_path):
    (tmp_path / "history.db").write_bytes(b"nothing of the kind" * 500)
    browser = browser_of(
        create_app(ScriptedAssistant(), MemoryCatalog(), settings_of(provider, tmp_path))
    )
    old = {"cookie": f"{SESSION_COOKIE}={'o' * 43}"}
    for page in (browser.get("/auth/login"), browser.get("/auth/me", headers=old)):
        assert page.status_code == 503
        assert page.headers["retry-after"]
        assert "Who is signed in cannot be looked up at the moment." in page.text
        assert "history" not in page.text
    back = browser.get("/auth/callback?code=x&state=" + "s" * 43)
    assert back.status_code == 503
    said = browser.get("/api/v1/documents", headers=old)
    assert (said.status_code, said.json()["error"]["code"]) == (503, "sign_in_unavailable")
    assert browser.get("/", headers=PAGE | old).status_code == 503
    assert browser.post("/auth/logout", headers=old).status_code == 303
    assert browser.get("/api/v1/documents", headers=old).status_code == 401  # out, here at least
    _, key = KeyFile(tmp_path / "keys.json").create("robot", [Right.ASK], days=1)
    bearer = {"authorization": f"Bearer {key}"}
    assert browser.get("/api/v1/documents", headers=bearer).status_code == 200


def test_the_database_holds_no_secret_of_a_browser_and_no_token(browser, provider, folder):
    signed_in(browser, provider)
    begin(browser)
    held = b"".join(path.read_bytes() for path in folder.glob("history.db*"))
    secrets = [cookie.value for cookie in browser.cookies.jar]
    assert len(secrets) == 2
    assert digest(browser.cookies[SESSION_COOKIE]).encode() in held
    for secret in secrets:
        assert secret.encode() not in held
    assert b"eyJ" not in held  # as every token of the provider's begins


def test_paths_of_ours_are_kept():
    assert local_path("/documents/a%2Fb?start=1") == "/documents/a%2Fb?start=1"


def test_programs_and_frames_are_told_instead_of_led(browser):
    for headers in ({}, JSON, PAGE | {"sec-fetch-dest": "iframe"}):
        answer = browser.get("/", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"  # no box for a password
    assert browser.post("/api/v1/chat", json=QUESTION, headers=JSON).status_code == 401


def test_pages_of_other_origins_have_no_part_in_a_session(browser, provider, app, folder):
    portal = "https://portal.corp"
    settings = settings_of(provider, folder, embeds={"hr": (portal,)})
    browser = browser_of(create_app(ScriptedAssistant(), MemoryCatalog(), settings))
    signed_in(browser, provider)
    headers = JSON | {"origin": portal, "sec-fetch-site": "same-site"}
    assert browser.post("/api/v1/chat", json=QUESTION, headers=headers).status_code == 401
    assert browser.get("/api/v1/documents", headers=headers).status_code == 401
    assert browser.post("/api/v1/chat", json=QUESTION, headers=JSON).status_code == 200


def test_keys_work_as_well_and_a_proxys_header_does_not(provider, folder, app):
    _, key = KeyFile(folder / "keys.json").create("robot", [Right.ASK], days=1)
    program = browser_of(app)
    bearer = {"authorization": f"Bearer {key}"}
    assert program.get("/api/v1/documents", headers=bearer).status_code == 200
    settings = settings_of(provider, folder, proxy_networks=("10.1.2.3",))
    behind = TestClient(
        create_app(ScriptedAssistant(), MemoryCatalog(), settings),
        base_url=SITE,
        client=("10.1.2.3", 5000),
    )
    named = {"x-forwarded-user": "ann-1"}
    assert behind.get("/api/v1/documents", headers=named).status_code == 401


def test_a_provider_that_is_away_is_said_and_not_remembered(tmp_path):
    settings = settings_of(Login("http://127.0.0.1:9"), tmp_path)
    browser = browser_of(create_app(ScriptedAssistant(), MemoryCatalog(), settings))
    answer = browser.get("/auth/login")
    assert answer.status_code == 502
    assert "cannot be reached" in answer.text
    assert "127.0.0.1:9" not in answer.text


class Store:
    """A database of sign-ins that can be away; it counts what is asked of it."""

    def __init__(self) -> None:
        self.rows: dict[str, SignedIn] = {}
        self.is_away = False
        self.touched: list[str] = []

    def _there(self) -> None:
        if self.is_away:
            raise StoreError("The database is away.")

    def keep(self, key, person, groups, known_as) -> None:
        self._there()
        began = now()
        ends = began + timedelta(hours=8)
        self.rows[key] = SignedIn(person, groups, known_as, began, began, ends)

    def find(self, key) -> SignedIn | None:
        self._there()
        return self.rows.get(key)

    def touch(self, key) -> None:
        self._there()
        self.touched.append(key)

    def end(self, key) -> None:
        self._there()
        self.rows.pop(key, None)


ANN = Principal("user ann-1", groups=frozenset({"hr"}), known_as=frozenset({"ann@corp"}))


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def people(store, clock) -> Iterator[People]:
    made = People(store, clock=lambda: clock[0])
    yield made
    made.close()


def test_while_nobody_can_look_up_who_was_seen_is_believed_for_a_while(store, people, clock):
    async def walk() -> None:
        ann, bob = await people.let_in(ANN), await people.let_in(ANN)
        assert await people.find(ann) == ANN
        store.is_away = True
        clock[0] = AWAY_SECONDS - 1
        assert await people.find(ann) == ANN
        for stranger in (bob, "x" * 43):  # not seen here, or nobody at all
            with pytest.raises(StoreError):
                await people.find(stranger)
        clock[0] = AWAY_SECONDS
        with pytest.raises(StoreError):
            await people.find(ann)
        with pytest.raises(StoreError):
            await people.let_in(ANN)
        store.is_away = False
        assert await people.find(ann) == ANN
        assert await people.find("") is None

    asyncio.run(walk())


def test_whose_time_is_over_is_not_believed_either(store, people):
    async def walk() -> None:
        ann = await people.let_in(ANN)
        store.rows[digest(ann)] = replace(store.rows[digest(ann)], ends=now())
        assert await people.find(ann) == ANN  # whether it is over, the database says
        store.is_away = True
        with pytest.raises(StoreError):
            await people.find(ann)

    asyncio.run(walk())


def test_who_signs_out_while_the_database_is_away_is_out_and_elsewhere_later(store, people):
    async def walk() -> None:
        ann, bob = await people.let_in(ANN), await people.let_in(ANN)
        assert await people.find(ann) == ANN
        store.is_away = True
        await people.end(ann)
        assert await people.find(ann) is None
        store.is_away = False
        assert await people.find(ann) is None
        assert digest(ann) in store.rows  # nobody else could know yet
        assert await people.find(bob) == ANN
        for _ in range(600):
            if digest(ann) not in store.rows:
                break
            await asyncio.sleep(0.05)
        assert list(store.rows) == [digest(bob)]

    asyncio.run(walk())


def test_who_was_signed_out_at_another_server_is_forgotten_here(store, people):
    async def walk() -> None:
        ann = await people.let_in(ANN)
        assert await people.find(ann) == ANN
        del store.rows[digest(ann)]
        assert await people.find(ann) is None
        store.is_away = True
        with pytest.raises(StoreError):
            await people.find(ann)

    asyncio.run(walk())


def test_a_use_is_written_down_now_and_then_and_secrets_never(store, people):
    async def walk() -> None:
        ann = await people.let_in(ANN)
        assert len(ann) == 43
        held = store.rows[digest(ann)]
        await people.find(ann)
        store.rows[digest(ann)] = replace(held, used=held.used - TOUCH_AFTER)
        await people.find(ann)
        for _ in range(600):
            if store.touched:
                break
            await asyncio.sleep(0.05)
        assert store.touched == [digest(ann)]
        assert ann not in repr(store.rows) + repr(vars(people))

    asyncio.run(walk())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"oidc_issuer": ""}, "needs FOOTNOTE_OIDC_ISSUER"),
        ({"oidc_client_id": ""}, "needs FOOTNOTE_OIDC_CLIENT_ID"),
        ({"public_url": ""}, "needs FOOTNOTE_PUBLIC_URL"),
        ({"oidc_issuer": "http://login.corp"}, "no address with https"),
        ({"public_url": "http://ask.corp"}, "no address with https"),
        ({"oidc_scopes": "profile"}, "does not hold"),
    ],
)
def test_settings_that_would_not_be_safe_are_refused(changed, says, tmp_path):
    with pytest.raises(ConfigurationError, match=says):
        build_open_id(settings_of(Login("http://127.0.0.1:9"), tmp_path, **changed))


def test_a_store_that_may_only_be_read_needs_another_place_for_who_is_signed_in(tmp_path):
    settings = settings_of(Login("http://127.0.0.1:9"), tmp_path)
    with pytest.raises(ConfigurationError, match="who signs in cannot be kept there"):
        _keeping_nothing(settings)
    elsewhere = settings_of(Login("http://127.0.0.1:9"), tmp_path, history_url="sqlite:////x/y.db")
    assert _keeping_nothing(elsewhere) is elsewhere


@pytest.mark.parametrize(
    "url",
    ["ask.corp", "ftp://ask.corp", "https://", "https://a:b@ask.corp", "https://ask.corp?x",
     "https://ask.corp/#x", "https://ask.corp/a/../b", "https://ask.corp/a%2fb", "https://x:y"],
)  # fmt: skip
def test_a_public_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
        read_public_url(Settings(public_url=url))


@pytest.mark.browser
def test_a_person_signs_in_and_out_in_a_browser(provider, chromium: Browser, tmp_path):
    with listen("127.0.0.1", 0) as listener:
        # Chromium takes this machine for trustworthy, so cookies that need TLS work without it.
        url = f"http://localhost:{listener.getsockname()[1]}"
        provider.tell("/register", redirect_uri=f"{url}/auth/callback")
        settings = settings_of(provider, tmp_path, public_url=url)
        app = create_app(ScriptedAssistant(), MemoryCatalog(), settings)
        with serving(app, listener):
            context = chromium.new_context()
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.goto(url + "/")
            page.get_by_role("button", name="ann-1").click()
            page.wait_for_selector(".welcome")
            assert page.url == url + "/"
            cookies = {cookie["name"]: cookie for cookie in context.cookies()}
            session = cookies[SESSION_COOKIE]
            assert (session["secure"], session["httpOnly"], session["sameSite"]) == (
                True,
                True,
                "Lax",
            )
            assert SESSION_COOKIE not in page.evaluate("document.cookie")
            page.fill("#question textarea", QUESTION["question"])
            page.press("#question textarea", "Enter")
            expect(page.locator(".answer")).to_contain_text(QUOTE)
            page.get_by_role("link", name="Your account").click()
            expect(page.get_by_text("You are signed in as ann-1.")).to_be_visible()
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_text("You are not signed in.")).to_be_visible()
            page.goto(url + "/runs")
            assert page.url.startswith(provider.url)  # asked again, at the provider
            context.close()


@pytest.mark.browser
def test_a_page_that_was_open_goes_on_after_a_restart(provider, chromium: Browser, tmp_path):
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    url = f"http://localhost:{port}"
    provider.tell("/register", redirect_uri=f"{url}/auth/callback")
    settings = settings_of(provider, tmp_path, public_url=url)
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    with serving(create_app(ScriptedAssistant(), MemoryCatalog(), settings), listener):
        page.goto(url + "/")
        page.get_by_role("button", name="ann-1").click()
        page.wait_for_selector(".welcome")
    app = create_app(ScriptedAssistant(), MemoryCatalog(), settings)
    with serving(app, listen("127.0.0.1", port)):
        page.fill("#question textarea", QUESTION["question"])
        page.press("#question textarea", "Enter")
        expect(page.locator(".answer")).to_contain_text(QUOTE)
        page.reload()
        page.wait_for_selector(".welcome")
        assert page.url == url + "/"
        context.close()
