"""The peer of the local part of `lectern import`: openpyxl reads, bulk_create of Django writes.

Tuned as both documentations advise: a read-only workbook read by values, references looked up once, one bulk_create per
table in one transaction. Prints the seconds that it took, without the start of Python and Django.
"""

import sys
import time
from datetime import UTC, datetime
from datetime import time as clock
from itertools import islice
from zoneinfo import ZoneInfo

import models as m
from django.db import connection, transaction
from openpyxl import load_workbook

LONDON = ZoneInfo("Europe/London")
HINT_ROWS = 2
BATCH = 5000


def rows_of(path):
    """A dictionary by header for each row below the hints."""
    book = load_workbook(path, read_only=True, data_only=True)
    rows = book.worksheets[0].iter_rows(values_only=True)
    headers = next(rows)
    for row in islice(rows, HINT_ROWS, None):
        yield {header: value for header, value in zip(headers, row) if header and value is not None}


def moment(day, at):
    """A wall-clock time in London as an instant."""
    if isinstance(at, str):
        at = clock.fromisoformat(at)
    elif isinstance(at, datetime):
        at = at.time()
    return datetime.combine(day.date(), at, LONDON).astimezone(UTC)


def fold(name):
    return " ".join(name.split()).casefold()


class References:
    """Everything that a timetable names, looked up once."""

    def __init__(self):
        self.templates = {fold(code): id for id, code in m.Template.objects.values_list("id", "code")}
        self.locations = {fold(name): id for id, name in m.Location.objects.values_list("id", "name")}
        self.venues = {
            (location, fold(name)): id for id, name, location in m.Venue.objects.values_list("id", "name", "location")
        }
        named = m.Instructor.objects.filter(is_active=True).values_list(
            "id", "staff__user__first_name", "staff__user__last_name"
        )
        self.instructors = {fold(f"{first} {last}"): (id, f"{first} {last}") for id, first, last in named}
        self.administrators = {
            fold(f"{first} {last}"): (id, f"{first} {last}")
            for id, first, last in m.Administrator.objects.values_list("external_id", "first_name", "last_name")
        }
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT p.id, e.session_code, v.code, c.shortname
                   FROM acted.products p
                   JOIN acted.catalog_exam_session_subjects x ON x.id = p.exam_session_subject_id
                   JOIN acted.catalog_exam_sessions e ON e.id = x.exam_session_id
                   JOIN acted.catalog_product_product_variations f ON f.id = p.product_product_variation_id
                   JOIN acted.catalog_products c ON c.id = f.product_id
                   JOIN acted.catalog_product_variations v ON v.id = f.product_variation_id"""
            )
            self.products = {(code, fold(variation), fold(place)): id for id, code, variation, place in cursor}


def exam_session(sitting):
    return sitting[:-1] + {"A": "-04", "S": "-09"}[sitting[-1]]


class Timetable:
    """Objects to be created, not yet saved."""

    def __init__(self, references):
        self.references = references
        self.events, self.details, self.staff = [], [], []
        self.sessions, self.session_details, self.taught, self.effects = [], [], [], []

    def add(self, row):
        if "Event title" in row:
            self.add_event(row)
        if "Session title" in row:
            self.add_session(row)

    def add_event(self, row):
        known = self.references
        is_lms = row["Course template code"].startswith("OC_")
        location = known.locations[fold(row["Location"])]
        venue = row.get("Venue")
        product = (exam_session(row["Sitting"]), fold(row["Course template code"]), fold(row["Location"]))
        finalisation = row.get("Finalisation date")
        event = m.Event(
            code=row["Event title"],
            product_id=known.products[product],
            location_id=location,
            venue_id=known.venues[location, fold(venue)] if venue else None,
            finalisation_date=finalisation.date() if finalisation else None,
            remain_space=int(row.get("Max places", 0)),
            start_date=row["LMS start date"].date(),
            end_date=row["LMS end date"].date(),
        )
        details = m.EventDetails(
            course_template_id=known.templates[fold(row["Course template code"])],
            learning_mode="lms" if is_lms else "blended",
            time_zone="Europe/London",
            lms_start=moment(row["LMS start date"], row["LMS start time"]),
            lms_end=moment(row["LMS end date"], row["LMS end time"]),
            max_places=int(row["Max places"]) if "Max places" in row else None,
            sitting=row["Sitting"],
            web_sale=row.get("Web sale") == "Y",
            cancelled=row.get("Cancelled") == "Y",
            event_url=row.get("Event url"),
            ocr_moodle_code=row.get("OCR moodle code"),
            location_text=row["Location"],
            venue_text=venue,
        )
        self.events.append(event)
        self.details.append(details)
        self.add_staff(event, row)

    def add_staff(self, event, row):
        known = self.references
        position = 0
        for name in filter(None, row.get("Instructor", "").split(" / ")):
            id, name = known.instructors[fold(name)]
            self.staff.append(
                m.EventStaff(
                    tutorial_event=event, role="instructor", position=position, name=name, tutorial_instructor_id=id
                )
            )
            position += 1
        for name in filter(None, row.get("Event administrator", "").split(" / ")):
            id, name = known.administrators[fold(name)]
            self.staff.append(
                m.EventStaff(tutorial_event=event, role="administrator", position=position, name=name, external_id=id)
            )
            position += 1

    def add_session(self, row):
        known = self.references
        event = self.events[-1]
        session = m.Session(
            tutorial_event=event,
            title=row["Session title"],
            location_id=known.locations[fold(row["Location"])],
            venue_id=known.venues[event.location_id, fold(row["Venue"])],
            start_date=moment(row["Classroom start date"], row["Classroom start time"]),
            end_date=moment(row["Classroom end date"], row["Classroom end time"]),
            sequence=int(row["Day"]),
            url=row.get("Session url"),
        )
        details = m.SessionDetails(location_text=row["Location"], venue_text=row["Venue"])
        self.sessions.append(session)
        self.session_details.append(details)
        instructor, _ = known.instructors[fold(row["Session instructor"])]
        self.taught.append(m.SessionInstructor(tutorialinstructor_id=instructor))

    @transaction.atomic
    def save(self):
        m.Event.objects.bulk_create(self.events, BATCH)
        for event, details in zip(self.events, self.details):
            details.tutorial_event_id = event.id
            self.effects.append(
                m.Effect(
                    effect="create_event", subject_kind="event", subject_id=event.id, subject=event.code, look_first=True
                )
            )
        for staff in self.staff:
            staff.tutorial_event_id = staff.tutorial_event.id
        m.EventDetails.objects.bulk_create(self.details, BATCH)
        m.EventStaff.objects.bulk_create(self.staff, BATCH)
        for session in self.sessions:
            session.tutorial_event_id = session.tutorial_event.id
        m.Session.objects.bulk_create(self.sessions, BATCH)
        for session, details, taught in zip(self.sessions, self.session_details, self.taught):
            details.tutorial_session_id = session.id
            taught.tutorialsessions_id = session.id
        m.SessionDetails.objects.bulk_create(self.session_details, BATCH)
        m.SessionInstructor.objects.bulk_create(self.taught, BATCH)
        m.Effect.objects.bulk_create(self.effects, BATCH)


def main():
    started = time.perf_counter()
    timetable = Timetable(References())
    for row in rows_of(sys.argv[1]):
        timetable.add(row)
    timetable.save()
    print(time.perf_counter() - started)


main()
