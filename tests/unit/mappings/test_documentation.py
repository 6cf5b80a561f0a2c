"""Every example of docs/mapping.md is run, and the reference leaves nothing out."""

import re
from pathlib import Path

import pytest
import yaml

from hub.errors import ConfigError
from hub.mappings.files import HERE
from hub.mappings.loader import load_text
from hub.mappings.testing import Cases, run_cases

PAGE = Path(__file__).parents[3] / "docs/mapping.md"
LEAST = {"source": "acme", "stream": "people", "id": {"path": "id", "transform": "identifier"}}


def examples():
    """Yield (mapping, tests) of the page, in order."""
    blocks = [
        yaml.safe_load(text)
        for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    ]
    assert len(blocks) % 2 == 0
    return list(zip(blocks[::2], blocks[1::2], strict=True))


def whole(part):
    """Put the least mapping around what an example shows."""
    fields = part.pop("fields", None)
    if fields is not None:
        part["emit"] = [{"entity": "lead", "primary": True, "fields": fields}]
    return load_text(yaml.safe_dump({**LEAST, **part}, sort_keys=False))


@pytest.mark.parametrize(("mapping", "tests"), examples())
def test_an_example_gives_what_the_page_says(mapping, tests):
    cases = Cases.model_validate(tests)
    assert cases.tests
    results = run_cases(whole(dict(mapping)), cases)
    assert [one.differences for one in results if not one.is_ok] == []


def test_the_page_has_an_example_a_section():
    assert len(examples()) >= 10


def test_the_error_that_the_page_shows_is_the_one_that_is_raised():
    text = (HERE / "salesforce/leads.yaml").read_text().replace("first_name:", "frist_name:", 1)
    with pytest.raises(ConfigError) as caught:
        load_text(text, "mappings/salesforce/leads.yaml")
    page, told = (re.sub(r":\d+:", ":", one) for one in (PAGE.read_text(), caught.value.message))
    assert told in page
