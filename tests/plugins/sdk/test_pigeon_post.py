"""A healthy channel passes the contract, and reaches gold where its provider's sandbox can be asked."""

from collections.abc import Iterator
from typing import ClassVar

import pytest
from muster_sdk import Grade
from muster_sdk.testing import ChannelContract

from tests.plugins.sdk.loft import Loft, PigeonSubject, SandboxedSubject

pytestmark = pytest.mark.xdist_group("pigeon post")


class TestPigeonPost(PigeonSubject, ChannelContract):
    least_grade = Grade.SILVER


class TestSandboxedPigeonPost(SandboxedSubject, ChannelContract):
    least_grade = Grade.GOLD
    SANDBOX: ClassVar = Loft()

    @pytest.fixture(autouse=True, scope="module")
    @staticmethod
    def sandbox_of_the_provider() -> Iterator[None]:
        with TestSandboxedPigeonPost.SANDBOX:
            yield
