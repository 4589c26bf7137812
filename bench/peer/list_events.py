"""The peer of the list of events: Django REST Framework with joined and prefetched rows, served by gunicorn."""

from database import connect


def table(schema, name):
    """The name of a table in a schema, as Django's quoting lets it through."""
    return f'{schema}"."{name}'


connect(
    "rest_framework",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    },
)

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, pagination, serializers  # noqa: E402


class Row(models.Model):
    class Meta:
        abstract = True
        # Relations are followed backwards between models of installed apps only.
        app_label = "rest_framework"
        managed = False


class User(Row):
    id = models.AutoField(primary_key=True)
    first_name = models.CharField(max_length=150)
    last_name = models.CharField(max_length=150)

    class Meta(Row.Meta):
        db_table = "auth_user"


class Staff(Row):
    user = models.OneToOneField(User, models.PROTECT)

    class Meta(Row.Meta):
        db_table = table("acted", "staff")


class Instructor(Row):
    staff = models.OneToOneField(Staff, models.SET_NULL, null=True)
    is_active = models.BooleanField()

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_instructors")


class Location(Row):
    name = models.CharField(max_length=255)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_locations")


class Venue(Row):
    name = models.CharField(max_length=255)
    location = models.ForeignKey(Location, models.SET_NULL, null=True)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_venues")


class Subject(Row):
    code = models.CharField(max_length=10)

    class Meta(Row.Meta):
        db_table = table("acted", "catalog_subjects")


class ExamSessionSubject(Row):
    subject = models.ForeignKey(Subject, models.CASCADE)

    class Meta(Row.Meta):
        db_table = table("acted", "catalog_exam_session_subjects")


class StoreProduct(Row):
    exam_session_subject = models.ForeignKey(ExamSessionSubject, models.CASCADE)
    product_code = models.CharField(max_length=64)

    class Meta(Row.Meta):
        db_table = table("acted", "products")


class Event(Row):
    code = models.CharField(max_length=100)
    product = models.ForeignKey(StoreProduct, models.CASCADE)
    location = models.ForeignKey(Location, models.SET_NULL, null=True)
    venue = models.ForeignKey(Venue, models.SET_NULL, null=True)
    is_soldout = models.BooleanField()
    finalisation_date = models.DateField(null=True)
    remain_space = models.IntegerField()
    start_date = models.DateField()
    end_date = models.DateField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_events")


class Details(Row):
    tutorial_event = models.OneToOneField(Event, models.CASCADE, primary_key=True, related_name="details")
    course_template_id = models.BigIntegerField(null=True)
    learning_mode = models.TextField(null=True)
    time_zone = models.TextField()
    lms_start = models.DateTimeField(null=True)
    lms_end = models.DateTimeField(null=True)
    max_places = models.IntegerField(null=True)
    sitting = models.TextField(null=True)
    web_sale = models.BooleanField()
    cancelled = models.BooleanField()
    event_url = models.TextField(null=True)
    ocr_moodle_code = models.TextField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta(Row.Meta):
        db_table = table("lectern", "event_details")


class Member(Row):
    pk = models.CompositePrimaryKey("tutorial_event_id", "role", "position")
    tutorial_event = models.ForeignKey(Event, models.CASCADE, related_name="members")
    role = models.TextField()
    position = models.IntegerField()
    tutorial_instructor = models.ForeignKey(Instructor, models.CASCADE, null=True)

    class Meta(Row.Meta):
        db_table = table("lectern", "event_staff")


class Session(Row):
    tutorial_event = models.ForeignKey(Event, models.CASCADE, related_name="sessions")
    title = models.CharField(max_length=255)
    location = models.ForeignKey(Location, models.SET_NULL, null=True)
    venue = models.ForeignKey(Venue, models.SET_NULL, null=True)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField()
    sequence = models.IntegerField()
    url = models.CharField(max_length=500, null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    instructors = models.ManyToManyField(Instructor, through="Teaching")

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_sessions")


class Teaching(Row):
    tutorialsessions = models.ForeignKey(Session, models.CASCADE)
    tutorialinstructor = models.ForeignKey(Instructor, models.CASCADE)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_session_instructors")


def name_of(row):
    return row.name if row else None


def warnings_of(venue, location):
    if venue and location and venue.location_id and venue.location_id != location.id:
        message = f"the venue {venue.name} belongs to {venue.location.name}, not to {location.name}"
        return [{"pointer": "/venue_id", "code": "venue_of_other_location", "message": message}]
    return []


class SessionSerializer(serializers.ModelSerializer):
    location = serializers.SerializerMethodField()
    venue = serializers.SerializerMethodField()
    instructor_ids = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = [
            "id", "tutorial_event", "title", "location_id", "location", "venue_id", "venue", "start_date", "end_date",
            "sequence", "url", "instructor_ids", "warnings", "created_at", "updated_at",
        ]

    def place(self, session):
        if session.location_id is None and session.venue_id is None:
            event = self.context["event"]
            return event.location, event.venue
        return session.location, session.venue

    def get_location(self, session):
        return name_of(self.place(session)[0])

    def get_venue(self, session):
        return name_of(self.place(session)[1])

    def get_instructor_ids(self, session):
        return sorted(instructor.id for instructor in session.instructors.all())

    def get_warnings(self, session):
        location, venue = self.place(session)
        return warnings_of(venue, location) if session.venue_id else []


class EventSerializer(serializers.ModelSerializer):
    location = serializers.SerializerMethodField()
    venue = serializers.SerializerMethodField()
    instructor_ids = serializers.SerializerMethodField()
    instructors = serializers.SerializerMethodField()
    sessions = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()
    updated_at = serializers.SerializerMethodField()
    store_product_code = serializers.CharField(source="product.product_code")
    subject_code = serializers.CharField(source="product.exam_session_subject.subject.code")
    course_template_id = serializers.IntegerField(source="details.course_template_id")
    learning_mode = serializers.CharField(source="details.learning_mode")
    time_zone = serializers.CharField(source="details.time_zone")
    lms_start = serializers.DateTimeField(source="details.lms_start")
    lms_end = serializers.DateTimeField(source="details.lms_end")
    max_places = serializers.IntegerField(source="details.max_places")
    sitting = serializers.CharField(source="details.sitting")
    web_sale = serializers.BooleanField(source="details.web_sale")
    cancelled = serializers.BooleanField(source="details.cancelled")
    event_url = serializers.CharField(source="details.event_url")
    ocr_moodle_code = serializers.CharField(source="details.ocr_moodle_code")

    class Meta:
        model = Event
        fields = [
            "id", "code", "product_id", "course_template_id", "location_id", "location", "venue_id", "venue", "is_soldout",
            "finalisation_date", "remain_space", "start_date", "end_date", "learning_mode", "time_zone", "lms_start",
            "lms_end", "max_places", "sitting", "web_sale", "cancelled", "event_url", "ocr_moodle_code", "instructor_ids",
            "store_product_code", "subject_code", "instructors", "warnings", "created_at", "updated_at", "sessions",
        ]

    def get_location(self, event):
        return name_of(event.location)

    def get_venue(self, event):
        return name_of(event.venue)

    def named(self, event):
        members = sorted(event.members.all(), key=lambda member: member.position)
        return [member.tutorial_instructor for member in members if member.role == "instructor"]

    def get_instructor_ids(self, event):
        return [instructor.id for instructor in self.named(event) if instructor]

    def get_instructors(self, event):
        people = {instructor.id: instructor for instructor in self.named(event) if instructor}
        for session in event.sessions.all():
            people.update((instructor.id, instructor) for instructor in session.instructors.all())
        return [self.person(people[id]) for id in sorted(people)]

    def person(self, instructor):
        user = instructor.staff.user if instructor.staff else None
        name = f"{user.first_name.strip()} {user.last_name.strip()}".strip() if user else ""
        return {
            "id": instructor.id,
            "display_name": name or f"Instructor #{instructor.id}",
            "is_active": instructor.is_active,
        }

    def get_sessions(self, event):
        return SessionSerializer(event.sessions.all(), many=True, context={"event": event}).data

    def get_warnings(self, event):
        return warnings_of(event.venue, event.location)

    def get_updated_at(self, event):
        times = [event.updated_at, event.details.updated_at]
        return max(time for time in times if time).isoformat()


class Pages(pagination.PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"


class EventList(generics.ListAPIView):
    serializer_class = EventSerializer
    pagination_class = Pages
    queryset = (
        Event.objects.filter(details__cancelled=False)
        .select_related("product__exam_session_subject__subject", "location", "venue__location", "details")
        .prefetch_related(
            models.Prefetch(
                "sessions",
                Session.objects.select_related("location", "venue__location")
                .prefetch_related("instructors__staff__user")
                .order_by("sequence"),
            ),
            "members__tutorial_instructor__staff__user",
        )
        .order_by("start_date", "code", "id")
    )


urlpatterns = [path("api/tutorials/events/", EventList.as_view())]
application = get_wsgi_application()
