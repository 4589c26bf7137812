"""Moves the tables to schema `adm` as Django programs do it: one block that renames table by table."""

from django.db import migrations

TABLES = [
    "course_templates",
    "custom_fields",
    "instructors",
    "locations",
    "pricelevels",
    "venues",
    "course_template_price_levels",
]

FORWARD = """
    EXECUTE format('ALTER TABLE public.%I SET SCHEMA adm', 'adm.' || t);
    EXECUTE format('ALTER TABLE adm.%I RENAME TO %I', 'adm.' || t, t);
"""
BACKWARD = """
    EXECUTE format('ALTER TABLE adm.%I RENAME TO %I', t, 'adm.' || t);
    EXECUTE format('ALTER TABLE adm.%I SET SCHEMA public', 'adm.' || t);
"""


def block(statements):
    names = ", ".join(f"'{table}'" for table in TABLES)
    return [f"DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY[{names}] LOOP {statements} END LOOP; END $$"]


class Migration(migrations.Migration):
    dependencies = [("administrate", "0001_initial")]
    operations = [migrations.RunSQL(block(FORWARD), block(BACKWARD))]
