from __future__ import annotations

from email.message import EmailMessage

import pytest


@pytest.fixture
def mail():
    mail = EmailMessage()
    mail["From"] = "Ann Müller <ann@example.org>"
    mail["To"] = "bob@example.org"
    mail["Subject"] = "Frost in April"
    mail["Date"] = "Tue, 02 Apr 2024 10:00:00 +0200"
    mail.set_content("Dear Bob,\n\nthe pears froze. Käthe saw it.\n\nAnn")
    return mail


def test_headers_and_words(read, mail):
    (document,) = read("frost.eml", mail.as_bytes())
    assert document.title == "Frost in April"
    assert document.metadata == {
        "author": "Ann Müller <ann@example.org>",
        "to": "bob@example.org",
        "date": "2024-04-02",
    }
    assert document.text.startswith("Frost in April\n\nFrom: Ann Müller <ann@example.org>\nTo: bob")
    assert "Dear Bob,\n\nthe pears froze. Käthe saw it.\n\nAnn" in document.text


def test_attachments_are_documents_of_their_own(read, mail):
    mail.add_attachment("Name,Tonnes\nPear,3\n", subtype="csv", filename="harvest.csv")
    mail.add_attachment(b"MZ", maintype="application", subtype="x-msdownload", filename="a.exe")
    inner = EmailMessage()
    inner["Subject"] = "An earlier one"
    inner.set_content("It was warm.")
    mail.add_attachment(inner)
    *documents, problem = read("frost.eml", mail.as_bytes())
    assert problem.reason == "unknown-format"
    assert "(.exe)" in problem.message
    assert [document.source for document in documents] == [
        "files/frost.eml",
        "files/frost.eml!/harvest.csv",
        "files/frost.eml!/forwarded-1.eml",
    ]
    assert "Row 2: Name: Pear; Tonnes: 3" in documents[1].text
    assert "It was warm." in documents[2].text
    assert len({document.doc_id for document in documents}) == 3


def test_plain_words_are_preferred_and_html_is_read_without_its_tags(read, mail):
    mail.add_alternative("<p>Only for <b>browsers</b>.</p>", subtype="html")
    assert "browsers" not in read("both.eml", mail.as_bytes())[0].text
    html = EmailMessage()
    html["Subject"] = "Html"
    html.set_content("<style>p {}</style><p>Only for <b>browsers</b>.</p>", subtype="html")
    assert read("html.eml", html.as_bytes())[0].text == "Html\n\nOnly for browsers."


def test_an_attachment_that_cannot_be_read_is_its_own_problem(read, mail):
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="../a.pdf")
    document, problem = read("frost.eml", mail.as_bytes())
    assert document.title == "Frost in April"
    assert problem.reason == "truncated"
    assert problem.message.startswith("files/frost.eml!/a.pdf")


def test_what_has_no_headers_is_no_mail(refusal):
    assert refusal("note.eml", "Just a note.") == "unreadable"


def raw(headers, *parts, kind="mixed"):
    """Write an e-mail of several parts; each is (headers, bytes)."""
    head = f"From: a@example.org\n{headers}Content-Type: multipart/{kind}; boundary=B\n\n"
    body = b"".join(b"--B\n" + top.encode() + b"\n" + words + b"\n" for top, words in parts)
    return head.encode() + body + b"--B--\n"


PLAIN, HTML = "Content-Type: text/plain\n", "Content-Type: text/html\n"


def words_of(document):
    """Give what stands below the headers."""
    return document.text.partition("From: a@example.org")[2].strip()


def test_words_after_an_attachment_are_words(read):
    attached = "Content-Type: text/csv\nContent-Disposition: attachment; filename=t.csv\n"
    mail = raw("", (PLAIN, b"Before."), (attached, b"a,b\n1,2"), (HTML, b"<p>After.</p>"))
    document, table = read("two.eml", mail)
    assert words_of(document) == "Before.\n\nAfter."
    assert table.source == "files/two.eml!/t.csv"


@pytest.mark.parametrize("plain", [b"", b"\n", b"Your program shows no HTML."])
def test_html_is_read_where_the_plain_words_say_nothing(read, plain):
    html = b"<p>" + b"The pears froze. " * 20 + b"</p>"
    mail = raw("", (PLAIN, plain), (HTML, html), kind="alternative")
    assert words_of(read("stub.eml", mail)[0]).startswith("The pears froze. The pears")


def test_a_short_answer_is_no_stub(read):
    mail = raw("", (PLAIN, b"Yes."), (HTML, b"<p>Yes.</p>"), kind="alternative")
    assert [words_of(document) for document in read("yes.eml", mail)] == ["Yes."]


def test_lines_that_were_broken_to_be_sent_are_put_together(read):
    mail = (
        b"From: a@example.org\nContent-Type: text/plain; format=flowed\n\n"
        b"The pears \nfroze.\n> When \n> was it?\n In April.\n-- \nAnn\n"
    )
    assert words_of(read("flowed.eml", mail)[0]) == (
        "The pears froze.\n> When was it?\nIn April.\n--\nAnn"
    )


def test_an_attachment_without_a_name_is_known_by_its_type(read):
    mail = raw("", (PLAIN, b"See."), ("Content-Type: text/csv; x=y\n", b"a,b\n1,2"))
    assert [document.source for document in read("a.eml", mail)][1] == (
        "files/a.eml!/attachment-2.csv"
    )
    named = 'Content-Type: text/csv; name="table"\n'
    assert read("a.eml", raw("", (named, b"a,b\n1,2")))[1].source == "files/a.eml!/table.csv"


def test_an_email_that_is_an_attachment_itself(read):
    mail = (
        b"From: a@example.org\nContent-Type: text/csv\n"
        b"Content-Disposition: attachment; filename=t.csv\n\na,b\n1,2\n"
    )
    assert [document.source for document in read("a.eml", mail)] == [
        "files/a.eml",
        "files/a.eml!/t.csv",
    ]


@pytest.mark.parametrize("kind", ["pkcs7-mime; smime-type=enveloped-data", "pgp-encrypted"])
def test_an_encrypted_email_is_on_record(read, kind):
    mail = raw("", (f"Content-Type: application/{kind}\n", b"AAAA"), kind="encrypted")
    document, problem = read("locked.eml", mail)
    assert document.text == "From: a@example.org"
    assert problem.reason == "encrypted"


def test_what_programs_add_is_no_attachment(read):
    mail = raw(
        "",
        (PLAIN, b"Yes."),
        ("Content-Type: image/png; name=logo.png\nContent-ID: <1>\n", b"no picture"),
        ("Content-Type: application/pkcs7-signature; name=smime.p7s\n", b"AAAA"),
        ("Content-Type: text/calendar; name=invite.ics\n", b"AAAA"),
    )
    assert len(read("a.eml", mail)) == 1
