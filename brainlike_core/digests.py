"""Values known by their content: what a step reads is part of its key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .values import NetworkAtlas, Story


def story_digest(story: Story) -> str:
    """SHA-256 of a story's text and timing."""
    body = hashlib.sha256(story.text.encode())
    for part in (story.spans, story.onsets, story.offsets, story.aligned):
        body.update(part.tobytes())
    return body.hexdigest()


def story_digests(parts: Iterable[tuple[Story, int]]) -> tuple[str, ...]:
    """`story_digest` of each story of a recording, which come with their TRs."""
    return tuple(story_digest(story) for story, _ in parts)


def atlas_digest(value: NetworkAtlas) -> str:
    """SHA-256 of an atlas's labels, weights and names."""
    body = hashlib.sha256(value.labels.tobytes() + value.weights.tobytes())
    body.update("\n".join(value.networks).encode())
    return body.hexdigest()
