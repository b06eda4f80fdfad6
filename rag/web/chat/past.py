"""The list of a person's conversations, at the top of the left region."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from rag.history.records import MAX_TITLE_CHARS, Listed, Listing, now
from rag.web.markup import esc

SHOWN_FIRST = 5
"""How many conversations show at once; a click shows the others."""

MOST_LISTED = 200
SEARCH_FROM = 4
"""From how many conversations on there is a box to search them."""

TOP = (
    '<div class="side-inner side-top">'
    '<button type="button" class="new" data-action="clear">New conversation</button></div>'
)


def render_head(listing: Listing) -> str:
    """Render what stands above the list: its name, and a box to search when there is enough."""
    if not listing.total:
        return ""
    box = (
        '<input type="search" id="past-search" placeholder="Search" '
        'aria-label="Search conversations" maxlength="200" autocomplete="off" dir="auto">'
    )
    return (
        '<div class="side-inner"><h2 class="label">Conversations '
        f'<span class="count">{listing.total:,}</span></h2>'
        f"{box if listing.total >= SEARCH_FROM else ''}</div>"
    )


def render_past(
    listing: Listing, current: str, search: str = "", today: Callable[[], datetime] = now
) -> str:
    """Render the conversations; `current` is the one that is open."""
    if not listing.total and not search:
        return ""
    day = today().date()
    shown = listing.conversations
    later = [each for each in shown[SHOWN_FIRST:] if each.conversation_id != current]
    items = "".join(_item(each, current, day, is_later=each in later) for each in shown)
    return (
        '<nav class="side-inner past" aria-label="Conversations">'
        f'{_nothing_found(listing)}<ul class="past-list">{items}</ul>'
        f"{_others(listing, len(later))}{_OWN_DATA}</nav>"
    )


def render_trouble() -> str:
    """Say that conversations cannot be kept, or shown, at the moment."""
    return (
        '<div class="side-inner past"><h2 class="label">Conversations</h2>'
        '<p class="aside" role="status">They cannot be reached at the moment, and this one may '
        "not be kept. Answers are not affected.</p></div>"
    )


_OWN_DATA = (
    '<p class="own-data"><a href="api/v1/history" download>Export all</a>'
    '<button type="button" data-action="forget" data-sure="Delete all for good?">Delete all'
    "</button></p>"
)


def _nothing_found(listing: Listing) -> str:
    return "" if listing.total else '<p class="aside" role="status">None holds these words.</p>'


def _others(listing: Listing, later: int) -> str:
    button = (
        f'<button type="button" class="show-later" data-action="later">Show {later:,} more</button>'
    )
    unlisted = listing.total - len(listing.conversations)
    left = f'<p class="aside">and {unlisted:,} more: search for them</p>'
    return (button if later else "") + (left if unlisted else "")


def _item(listed: Listed, current: str, day: date, *, is_later: bool) -> str:
    name = esc(listed.conversation_id)
    title = esc(listed.title)
    is_open = ' aria-current="true"' if listed.conversation_id == current else ""
    later = " later" if is_later else ""
    return (
        f'<li class="past-item{later}"><div class="past-row">'
        f'<button type="button" class="past-open" data-action="open" data-id="{name}"{is_open}>'
        f'<span class="title" dir="auto">{title}</span>'
        f'<span class="detail">{_when(listed.updated.date(), day)}</span></button>'
        f'<button type="button" class="plain past-more" data-action="more" aria-expanded="false" '
        f'aria-controls="more-{name}" aria-label="More: {title}">⋯</button></div>'
        f'<div class="past-actions" id="more-{name}" data-id="{name}" hidden>'
        f'<div class="rename"><input type="text" value="{title}" maxlength="{MAX_TITLE_CHARS}" '
        f'aria-label="Title" autocomplete="off" dir="auto">'
        '<button type="button" data-action="rename">Rename</button></div>'
        f'<a href="api/v1/conversations/{name}/markdown" download>Export</a>'
        '<button type="button" data-action="delete" data-sure="Delete for good?">Delete</button>'
        "</div></li>"
    )


def _when(then: date, today: date) -> str:
    days = (today - then).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    text = f"{then.day} {then:%b}"
    return text if then.year == today.year else f"{text} {then.year}"
