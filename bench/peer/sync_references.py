"""The peer of `lectern sync`: fetches page by page, then matches and saves record by record in separate transactions.

Prints the seconds that it took, without the start of Python and Django.
"""

import json
import os
import time
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import models as m
from django.db import transaction

PAGE = 100


class Api:
    """Administrate, over one connection."""

    def __init__(self):
        url = urlsplit(os.environ["ADMINISTRATE_API_URL"])
        self.path = url.path
        self.http = HTTPConnection(url.netloc)
        form = {
            "grant_type": "client_credentials",
            "client_id": os.environ["ADMINISTRATE_CLIENT_ID"],
            "client_secret": os.environ["ADMINISTRATE_CLIENT_SECRET"],
        }
        answer = self.post(
            urlsplit(os.environ["ADMINISTRATE_AUTH_URL"]).path + "/token",
            urlencode(form),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        self.token = answer["access_token"]

    def post(self, path, body, headers):
        self.http.request("POST", path, body, headers)
        return json.loads(self.http.getresponse().read())

    def all(self, root, node, filters=""):
        """Every node of a list."""
        nodes = []
        while True:
            query = (
                f"{{ {root}({filters}first: {PAGE}, offset: {len(nodes)}) "
                f"{{ edges {{ node {{ {node} }} }} pageInfo {{ hasNextPage }} }} }}"
            )
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
            page = self.post(self.path, json.dumps({"query": query}), headers)["data"][root]
            nodes += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes


def only(found):
    """The one record of a query, or none."""
    found = list(found[:2])
    return found[0] if len(found) == 1 else None


def keep(model, seen, external_id, **values):
    with transaction.atomic():
        model.objects.update_or_create(external_id=external_id, defaults=values)
    seen.add(external_id)


def finish(model, seen):
    """Rows whose record was not seen."""
    model.objects.exclude(external_id__in=seen).delete()


def sync_locations(api):
    seen = set()
    for node in api.all("locations", "id legacyId name"):
        match = only(m.Location.objects.filter(name__iexact=node["name"].strip()))
        keep(m.AdmLocation, seen, node["id"], legacy_id=node["legacyId"], tutorial_location=match)
    finish(m.AdmLocation, seen)


def sync_venues(api):
    seen = set()
    for node in api.all("venues", "id name location { id }"):
        location = m.AdmLocation.objects.filter(external_id=node["location"]["id"]).first()
        named = m.Venue.objects.filter(name__iexact=node["name"].strip(), location=location.tutorial_location_id)
        keep(m.AdmVenue, seen, node["id"], location=location, tutorial_venue=only(named))
    finish(m.AdmVenue, seen)


def sync_instructors(api):
    seen = set()
    filters = 'filters: [{field: isInstructor, operation: eq, value: "true"}], '
    for node in api.all("contacts", "id legacyId firstName lastName", filters):
        named = m.Instructor.objects.filter(
            staff__user__first_name__iexact=node["firstName"].strip(),
            staff__user__last_name__iexact=node["lastName"].strip(),
        )
        keep(m.AdmInstructor, seen, node["id"], legacy_id=node["legacyId"], tutorial_instructor=only(named))
    finish(m.AdmInstructor, seen)


def sync_templates(api):
    seen = set()
    for node in api.all("courseTemplates", "id code eventLearningMode"):
        match = only(m.Template.objects.filter(code__iexact=node["code"].strip()))
        keep(
            m.AdmTemplate,
            seen,
            node["id"],
            event_learning_mode=node["eventLearningMode"],
            tutorial_course_template=match,
        )
    finish(m.AdmTemplate, seen)


def main():
    started = time.perf_counter()
    api = Api()
    sync_locations(api)
    sync_venues(api)
    sync_instructors(api)
    sync_templates(api)
    print(time.perf_counter() - started)


main()
