"""Conversations that are trees: the way from the root to the message that ends the active branch."""

from turnsmith.curate.account import Account


def path_to(leaf: int, parents: list[int | None], account: Account) -> list[int]:
    """Return the indices from the root to a leaf; `parents` holds each one's parent, None for a root.

    Links that run in a circle end the way where it would repeat itself, and are noted.
    """
    path: list[int] = []
    seen: set[int] = set()
    at: int | None = leaf
    while at is not None:
        if at in seen:
            account.note("conversations with parent links in a circle")
            break
        seen.add(at)
        path.append(at)
        at = parents[at]
    return path[::-1]
