"""Connects Django to the database of DATABASE_URL."""

import os
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.conf import settings


def connect(*apps, **more):
    url = urlsplit(os.environ["DATABASE_URL"])
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": url.path.lstrip("/"),
                "USER": url.username,
                "HOST": unquote(parse_qs(url.query)["host"][0]),
                "CONN_MAX_AGE": None,
            }
        },
        INSTALLED_APPS=apps,
        USE_TZ=True,
        TIME_ZONE="UTC",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DEBUG=False,
        **more,
    )
    django.setup()
