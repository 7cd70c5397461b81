"""Whatever the way in which members share partitions, every event ends once."""

from __future__ import annotations

import time

import pytest
from eventually import eventually
from system.events import shop_events

EVENTS = 500
# What a test needs of CAPI_KAFKA beside the preset: in the last one the broker has the say.
PRESETS = {"eager": {}, "consumer": {"CAPI_KAFKA": "{}"}}


@pytest.mark.kafka
@pytest.mark.timeout(180)
@pytest.mark.parametrize("preset", PRESETS)
def test_two_members_share_and_every_event_ends_once(scene, preset):
    settings = {"CAPI_GROUP_PROTOCOL": preset, **PRESETS[preset]}
    scene.create_topics(4)
    scene.start_sandbox()
    members = [scene.consumer(**settings) for _ in range(2)]
    eventually(lambda: scene.shares() == [2, 2], 60, "two members share four partitions")
    scene.produce(shop_events(seed=7, count=EVENTS, now_s=int(time.time())))
    eventually(scene.is_done, 60, "all is committed")
    assert [member.stop(30) for member in members] == [0, 0]
    report = scene.report()
    assert report.holds, report
    assert (report.accepted, report.twice) == (EVENTS, 0)
