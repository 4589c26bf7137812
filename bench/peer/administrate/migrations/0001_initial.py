"""The links to Administrate as they were first made: the dot became a part of the tables' names."""

import django.db.models.deletion
from django.db import migrations, models


def text(length=255, **options):
    return models.CharField(max_length=length, **options)


def table(name, *fields, unique=()):
    key = ("id", models.BigAutoField(primary_key=True))
    options = {"db_table": f"adm.{name}", "unique_together": set(unique)}
    return migrations.CreateModel(name.title().replace("_", ""), [key, *fields], options)


def unique(length=255):
    return ("external_id", text(length, unique=True))


def stamps():
    return [("created_at", models.DateTimeField(auto_now_add=True)), ("updated_at", models.DateTimeField(auto_now=True))]


def key(to, **options):
    return models.ForeignKey(f"administrate.{to}", django.db.models.deletion.CASCADE, **options)


SYNCED = ("last_synced", models.DateTimeField(auto_now=True))


class Migration(migrations.Migration):
    initial = True
    operations = [
        table(
            "course_templates",
            unique(50),
            ("code", text(50, unique=True)),
            ("title", text()),
            ("event_learning_mode", text(20, null=True)),
            ("categories", models.TextField(null=True)),
            ("custom_fields", models.JSONField(default=dict)),
            ("active", models.BooleanField(default=True)),
            *stamps(),
        ),
        table(
            "custom_fields",
            ("external_id", text()),
            ("label", text()),
            ("field_type", text(50)),
            ("description", models.TextField(null=True)),
            ("is_required", models.BooleanField(default=False)),
            ("roles", models.JSONField(null=True)),
            ("entity_type", text(50)),
            SYNCED,
        ),
        table(
            "instructors",
            unique(),
            ("first_name", text()),
            ("last_name", text()),
            ("email", text(null=True)),
            ("legacy_id", text(null=True)),
            ("is_active", models.BooleanField(default=True)),
            SYNCED,
            *stamps(),
        ),
        table(
            "locations",
            unique(),
            ("name", text()),
            ("code", text(50)),
            ("active", models.BooleanField(default=True)),
            ("legacy_id", text(null=True)),
            *stamps(),
        ),
        table("pricelevels", unique(), ("name", text()), ("description", models.TextField(null=True)), SYNCED),
        table(
            "venues",
            unique(),
            ("name", text()),
            ("description", models.TextField(null=True)),
            ("location", key("Locations", null=True, to_field="external_id")),
            *stamps(),
        ),
        table(
            "course_template_price_levels",
            ("course_template", key("CourseTemplates")),
            ("price_level", key("Pricelevels")),
            unique(),
            ("amount", models.DecimalField(max_digits=10, decimal_places=2)),
            SYNCED,
            *stamps(),
            unique=[("course_template", "price_level")],
        ),
    ]
