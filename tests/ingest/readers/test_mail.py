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
    documents = read("frost.eml", mail.as_bytes())
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
