"""The tables of Lectern as unmanaged models, so that the peers write the same rows."""

from database import connect

connect()

from django.db import models  # noqa: E402
from django.db.models.functions import Now  # noqa: E402


def table(schema, name):
    """The name of a table in a schema, as Django's quoting lets it through."""
    return f'{schema}"."{name}'


class Row(models.Model):
    """A table that Django does not manage."""

    class Meta:
        abstract = True
        app_label = "peer"
        managed = False


class Stamped(Row):
    """A table with the two times."""

    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta(Row.Meta):
        abstract = True


class User(Row):
    id = models.AutoField(primary_key=True)
    first_name = models.CharField(max_length=150)
    last_name = models.CharField(max_length=150)

    class Meta(Row.Meta):
        db_table = "auth_user"


class Staff(Stamped):
    user = models.OneToOneField(User, models.PROTECT)

    class Meta(Row.Meta):
        db_table = table("acted", "staff")


class Instructor(Stamped):
    staff = models.OneToOneField(Staff, models.SET_NULL, null=True)
    is_active = models.BooleanField(default=True)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_instructors")


class Location(Stamped):
    name = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_locations")


class Venue(Stamped):
    name = models.CharField(max_length=255)
    location = models.ForeignKey(Location, models.SET_NULL, null=True)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_venues")


class Template(Stamped):
    code = models.CharField(max_length=50, unique=True)
    title = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_course_templates")


class Event(Stamped):
    code = models.CharField(max_length=100, unique=True)
    product_id = models.BigIntegerField()
    location_id = models.BigIntegerField(null=True)
    venue_id = models.BigIntegerField(null=True)
    is_soldout = models.BooleanField(default=False)
    finalisation_date = models.DateField(null=True)
    remain_space = models.IntegerField(default=0)
    start_date = models.DateField()
    end_date = models.DateField()

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_events")


class EventDetails(Row):
    tutorial_event = models.OneToOneField(Event, models.CASCADE, primary_key=True)
    course_template_id = models.BigIntegerField(null=True)
    learning_mode = models.TextField(null=True)
    time_zone = models.TextField(default="Europe/London")
    lms_start = models.DateTimeField(null=True)
    lms_end = models.DateTimeField(null=True)
    max_places = models.IntegerField(null=True)
    sitting = models.TextField(null=True)
    web_sale = models.BooleanField(default=False)
    cancelled = models.BooleanField(default=False)
    event_url = models.TextField(null=True)
    ocr_moodle_code = models.TextField(null=True)
    location_text = models.TextField(null=True)
    venue_text = models.TextField(null=True)

    class Meta(Row.Meta):
        db_table = table("lectern", "event_details")


class EventStaff(Row):
    pk = models.CompositePrimaryKey("tutorial_event_id", "role", "position")
    tutorial_event = models.ForeignKey(Event, models.CASCADE)
    role = models.TextField()
    position = models.IntegerField()
    name = models.TextField()
    tutorial_instructor_id = models.BigIntegerField(null=True)
    external_id = models.TextField(null=True)

    class Meta(Row.Meta):
        db_table = table("lectern", "event_staff")


class Session(Stamped):
    tutorial_event = models.ForeignKey(Event, models.CASCADE)
    title = models.CharField(max_length=255)
    location_id = models.BigIntegerField(null=True)
    venue_id = models.BigIntegerField(null=True)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField()
    sequence = models.IntegerField()
    url = models.CharField(max_length=500, null=True)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_sessions")


class SessionDetails(Row):
    tutorial_session = models.OneToOneField(Session, models.CASCADE, primary_key=True)
    location_text = models.TextField(null=True)
    venue_text = models.TextField(null=True)

    class Meta(Row.Meta):
        db_table = table("lectern", "session_details")


class SessionInstructor(Row):
    tutorialsessions = models.ForeignKey(Session, models.CASCADE)
    tutorialinstructor_id = models.BigIntegerField()

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_session_instructors")


class Effect(Row):
    effect = models.TextField()
    subject_kind = models.TextField()
    subject_id = models.BigIntegerField()
    subject = models.TextField()
    look_first = models.BooleanField(default=False)

    class Meta(Row.Meta):
        db_table = table("lectern", "outbox")


class AdmLocation(Stamped):
    external_id = models.CharField(max_length=255, unique=True)
    legacy_id = models.CharField(max_length=255, null=True)
    tutorial_location = models.ForeignKey(Location, models.SET_NULL, null=True)

    class Meta(Row.Meta):
        db_table = table("adm", "locations")


class AdmVenue(Stamped):
    external_id = models.CharField(max_length=255, unique=True)
    location = models.ForeignKey(AdmLocation, models.SET_NULL, null=True, to_field="external_id")
    tutorial_venue = models.ForeignKey(Venue, models.SET_NULL, null=True)

    class Meta(Row.Meta):
        db_table = table("adm", "venues")


class AdmInstructor(Stamped):
    external_id = models.CharField(max_length=255, unique=True)
    legacy_id = models.CharField(max_length=255, null=True)
    is_active = models.BooleanField(default=True)
    tutorial_instructor = models.ForeignKey(Instructor, models.SET_NULL, null=True)
    last_synced = models.DateTimeField(db_default=Now())

    class Meta(Row.Meta):
        db_table = table("adm", "instructors")


class AdmTemplate(Stamped):
    external_id = models.CharField(max_length=50, unique=True)
    event_learning_mode = models.CharField(max_length=20, null=True)
    custom_fields = models.JSONField(default=dict)
    tutorial_course_template = models.ForeignKey(Template, models.SET_NULL, null=True)

    class Meta(Row.Meta):
        db_table = table("adm", "course_templates")


class Administrator(Row):
    external_id = models.TextField(primary_key=True)
    first_name = models.TextField()
    last_name = models.TextField()

    class Meta(Row.Meta):
        db_table = table("lectern", "administrators")
