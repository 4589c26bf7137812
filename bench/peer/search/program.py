"""The peer of search: Django REST Framework, with pg_trgm for typing errors, served by gunicorn.

It answers as Lectern does: rows grouped by product and exam session, disjunctive facets, and the rows that contain every
word of the text. Words are looked up in a vocabulary with a trigram index, rows by an index on their words.
"""

from database import connect

connect(
    "django.contrib.postgres",
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

import time  # noqa: E402

from django.contrib.postgres.search import TrigramWordSimilarity  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db.models import Count, F, Max, Min, Prefetch, Q  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from search.models import (  # noqa: E402
    ConfigurationGroup, Event, Group, Session, StoreProduct, Variation, Word,
)

SUBJECT = "exam_session_subject__subject"
EXAM = "exam_session_subject__exam_session"
PRODUCT = "product_product_variation__product"
VARIATION = "product_product_variation__product_variation"


def distance(one, other):
    """Edits between two words; a transposition of neighbours is one."""
    before, row = None, list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        following = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[j] + 1, following[j - 1] + 1, row[j - 1] + (a != b))
            if before and i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]


def meanings(word, is_last):
    """The words of the vocabulary that a word of the text may mean."""
    if is_last:
        found = list(Word.objects.filter(word__startswith=word).values_list("word", flat=True))
    else:
        found = list(Word.objects.filter(word=word).values_list("word", flat=True))
    if found or any(c.isdigit() for c in word):
        return found
    allowed = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
    similar = Word.objects.filter(word__trigram_similar=word).values_list("word", flat=True)
    return [other for other in similar if not any(c.isdigit() for c in other) and distance(word, other) <= allowed]


def descendants(names):
    groups = list(Group.objects.all())
    wanted = {group.id for group in groups if group.name in names}
    while more := {group.id for group in groups if group.parent_id in wanted} - wanted:
        wanted |= more
    return wanted


class Search:
    def __init__(self, parameters):
        self.page = int(parameters.get("page", 1))
        self.page_size = int(parameters.get("page_size", 20))
        self.text = parameters.get("q", "").strip().lower()
        self.base = StoreProduct.objects.filter(is_active=True)
        words = self.text.split()
        for number, word in enumerate(words):
            self.base = self.base.filter(document__words__overlap=meanings(word, number + 1 == len(words)))
        self.conditions = {}
        if subjects := parameters.getlist("subjects"):
            self.conditions["subjects"] = Q(**{f"{SUBJECT}__code__in": subjects})
        for key in ["categories", "product_types"]:
            if names := parameters.getlist(key):
                groups = descendants(names)
                self.conditions[key] = Q(**{f"{PRODUCT}__memberships__product_group_id__in": groups})
        if products := parameters.getlist("products"):
            self.conditions["products"] = Q(**{f"{PRODUCT}_id__in": [int(id) for id in products if id.isdigit()]})
        if modes := parameters.getlist("modes_of_delivery"):
            any_mode = Q()
            for mode in modes:
                any_mode |= Q(**{f"{VARIATION}__variation_type__iexact": mode})
                any_mode |= Q(**{f"{VARIATION}__name__icontains": mode})
            self.conditions["modes_of_delivery"] = any_mode

    def rows(self, without=None):
        """The matching rows; without one of the filters, for its facet."""
        rows = self.base
        for key, condition in self.conditions.items():
            if key != without:
                rows = rows.filter(condition)
        return rows

    def facet(self, key, value, *names):
        counts = self.rows(key).order_by().values(value, *names).annotate(count=Count("id", distinct=True))
        return list(counts)

    def group_facets(self, key):
        counts = dict(
            self.rows(key)
            .order_by()
            .values_list(f"{PRODUCT}__memberships__product_group_id")
            .annotate(count=Count("id", distinct=True))
        )
        children = {}
        for group in Group.objects.all():
            children.setdefault(group.parent_id, []).append(group.id)

        def total(group):
            return counts.get(group, 0) + sum(total(child) for child in children.get(group, []))

        entries = ConfigurationGroup.objects.filter(filter_configuration__filter_key=key).select_related("filter_group")
        return {e.filter_group.name: {"count": total(e.filter_group_id), "name": e.filter_group.name} for e in entries}

    def facets(self):
        subjects = self.facet("subjects", f"{SUBJECT}__code")
        products = self.facet("products", f"{PRODUCT}_id", f"{PRODUCT}__shortname")
        modes = self.facet("modes_of_delivery", f"{VARIATION}__variation_type")
        names = {v.variation_type: v.name for v in Variation.objects.order_by("-id")}

        def named(count, name):
            return {"count": count, "name": name, "display_name": name}

        return {
            "subjects": {
                row[f"{SUBJECT}__code"]: {"count": row["count"], "name": row[f"{SUBJECT}__code"]} for row in subjects
            },
            "categories": self.group_facets("categories"),
            "product_types": self.group_facets("product_types"),
            "products": {
                str(row[f"{PRODUCT}_id"]): named(row["count"], row[f"{PRODUCT}__shortname"]) for row in products
            },
            "modes_of_delivery": {
                kind: named(row["count"], names[kind]) for row in modes for kind in [row[f"{VARIATION}__variation_type"]]
            },
            "locations": self.event_facet("events__location__name"),
            "venues": self.event_facet("events__venue__name"),
        }

    def event_facet(self, value):
        counts = self.rows().order_by().values_list(value).annotate(count=Count("id", distinct=True))
        return {name: {"count": count, "name": name} for name, count in counts if name is not None}

    def groups(self):
        key = ["exam_session_subject_id", f"{PRODUCT}_id"]
        order = [f"{SUBJECT}__code", f"{PRODUCT}__shortname", f"{EXAM}__session_code"]
        groups = self.rows().order_by().values(*key, *order).annotate(first=Min("id"), count=Count("id", distinct=True))
        if self.text:
            groups = groups.annotate(score=Max(TrigramWordSimilarity(self.text, "document__document")))
            order = [F("score").desc(), *order]
        return groups.order_by(*order, *key)

    def answer(self):
        started = time.perf_counter()
        groups = self.groups()
        total = self.rows().order_by().values("exam_session_subject_id", f"{PRODUCT}_id").distinct().count()
        start = (self.page - 1) * self.page_size
        page = list(groups[start : start + self.page_size])
        return {
            "products": self.listings(page),
            "filter_counts": self.facets(),
            "pagination": {
                "page": self.page,
                "page_size": self.page_size,
                "total_count": total,
                "has_next": start + self.page_size < total,
                "has_previous": self.page > 1,
                "total_pages": -(-total // self.page_size),
            },
            "performance": {"duration": time.perf_counter() - started, "cached": False},
        }

    def listings(self, page):
        chosen = Q(pk__in=[])
        for group in page:
            chosen |= Q(
                exam_session_subject_id=group["exam_session_subject_id"],
                product_product_variation__product_id=group[f"{PRODUCT}_id"],
            )
        sessions = Session.objects.select_related("location", "venue").order_by("sequence")
        events = Event.objects.select_related("location", "venue").order_by("start_date", "code")
        rows = (
            self.rows()
            .filter(chosen)
            .distinct()
            .select_related(SUBJECT, EXAM, PRODUCT, VARIATION)
            .prefetch_related("prices", Prefetch("events", events), Prefetch("events__sessions", sessions))
            .order_by("id")
        )
        by_group = {}
        for row in rows:
            key = (row.exam_session_subject_id, row.product_product_variation.product_id)
            by_group.setdefault(key, []).append(row)
        keys = [(group["exam_session_subject_id"], group[f"{PRODUCT}_id"]) for group in page]
        return [listing(by_group[key]) for key in keys]


def listing(rows):
    first = rows[0]
    product = first.product_product_variation.product
    subject, exam = first.exam_session_subject.subject, first.exam_session_subject.exam_session
    kind = "Tutorial" if product.fullname.startswith("Tutorial") else "Materials"
    return {
        "id": first.id,
        "essp_id": first.id,
        "store_product_id": first.id,
        "type": kind,
        "product_id": product.id,
        "product_code": product.code,
        "product_name": product.fullname,
        "product_short_name": product.shortname,
        "product_description": product.description,
        "buy_both": product.buy_both,
        "subject_id": subject.id,
        "subject_code": subject.code,
        "subject_description": subject.description,
        "exam_session_code": exam.session_code,
        "exam_session_id": exam.id,
        "variations": [variation(row, kind) for row in rows],
    }


def variation(row, kind):
    of_row = row.product_product_variation.product_variation
    item = {
        "id": row.product_product_variation_id,
        "store_product_id": row.id,
        "variation_type": of_row.variation_type,
        "name": of_row.name,
        "description": of_row.description,
        "description_short": of_row.description_short,
        "prices": [
            {"id": p.id, "price_type": p.price_type, "amount": str(p.amount), "currency": p.currency}
            for p in sorted(row.prices.all(), key=lambda price: price.id)
        ],
    }
    if kind == "Tutorial":
        item["events"] = [event(e) for e in row.events.all()]
    return item


def event(row):
    return {
        "id": row.id,
        "code": row.code,
        "venue": row.venue and row.venue.name,
        "is_soldout": row.is_soldout,
        "finalisation_date": row.finalisation_date,
        "remain_space": row.remain_space,
        "start_date": row.start_date,
        "end_date": row.end_date,
        "title": row.code,
        "price": None,
        "sessions": [session(s, row) for s in row.sessions.all()],
    }


def session(row, of_event):
    place = of_event if row.location_id is None and row.venue_id is None else row
    return {
        "id": row.id,
        "title": row.title,
        "location": place.location and place.location.name,
        "venue": place.venue and place.venue.name,
        "start_date": row.start_date.isoformat(),
        "end_date": row.end_date.isoformat(),
        "sequence": row.sequence,
        # As to anonymous callers of the default settings.
        "url": row.url,
    }


class UnifiedSearch(APIView):
    def get(self, request):
        return Response(Search(request.query_params).answer())


urlpatterns = [path("api/search/unified", UnifiedSearch.as_view())]
application = get_wsgi_application()
