"""The types of the sections have the keys of the schema."""

import pytest
from ecdysis import sections
from ecdysis.config_schema import load_schema


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (("crop",), sections.CropSection),
        (("skullstrip",), sections.SkullstripSection),
        (("skullstrip", "template"), sections.TemplateSection),
        (("statmaps",), sections.StatmapsSection),
    ],
)
def test_a_section_has_the_keys_of_the_schema(section, kind):
    schema = load_schema()
    for name in section:
        schema = schema["properties"][name]
    assert set(kind.__annotations__) == set(schema["properties"])
