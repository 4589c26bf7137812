"""The tables of the shop as unmanaged models with relations."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


def table(schema, name):
    """The name of a table in a schema, as Django's quoting lets it through."""
    return f'{schema}"."{name}'


class Row(models.Model):
    class Meta:
        abstract = True
        # Relations are followed backwards between models of installed apps only.
        app_label = "rest_framework"
        managed = False


class Subject(Row):
    code = models.CharField(max_length=10)
    description = models.TextField(null=True)

    class Meta(Row.Meta):
        db_table = table("acted", "catalog_subjects")


class ExamSession(Row):
    session_code = models.CharField(max_length=50)

    class Meta(Row.Meta):
        db_table = table("acted", "catalog_exam_sessions")


class ExamSessionSubject(Row):
    exam_session = models.ForeignKey(ExamSession, models.CASCADE)
    subject = models.ForeignKey(Subject, models.CASCADE)

    class Meta(Row.Meta):
        db_table = table("acted", "catalog_exam_session_subjects")


class Product(Row):
    fullname = models.CharField(max_length=255)
    shortname = models.CharField(max_length=100)
    description = models.TextField(null=True)
    code = models.CharField(max_length=10)
    buy_both = models.BooleanField()

    class Meta(Row.Meta):
        db_table = table("acted", "catalog_products")


class Variation(Row):
    variation_type = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    description = models.TextField(null=True)
    description_short = models.CharField(max_length=255, null=True)

    class Meta(Row.Meta):
        db_table = table("acted", "catalog_product_variations")


class ProductVariation(Row):
    product = models.ForeignKey(Product, models.CASCADE)
    product_variation = models.ForeignKey(Variation, models.CASCADE)

    class Meta(Row.Meta):
        db_table = table("acted", "catalog_product_product_variations")


class Group(Row):
    name = models.CharField(max_length=100)
    parent = models.ForeignKey("self", models.CASCADE, null=True)

    class Meta(Row.Meta):
        db_table = table("acted", "filter_groups")


class Membership(Row):
    product = models.ForeignKey(Product, models.CASCADE, related_name="memberships")
    product_group = models.ForeignKey(Group, models.CASCADE)

    class Meta(Row.Meta):
        db_table = table("acted", "filter_product_product_groups")


class Configuration(Row):
    filter_key = models.CharField(max_length=50)

    class Meta(Row.Meta):
        db_table = table("acted", "filter_configurations")


class ConfigurationGroup(Row):
    filter_configuration = models.ForeignKey(Configuration, models.CASCADE)
    filter_group = models.ForeignKey(Group, models.CASCADE)

    class Meta(Row.Meta):
        db_table = table("acted", "filter_configuration_groups")


class StoreProduct(Row):
    exam_session_subject = models.ForeignKey(ExamSessionSubject, models.CASCADE)
    product_product_variation = models.ForeignKey(ProductVariation, models.CASCADE)
    is_active = models.BooleanField()

    class Meta(Row.Meta):
        db_table = table("acted", "products")


class Price(Row):
    product = models.ForeignKey(StoreProduct, models.CASCADE, related_name="prices")
    price_type = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=8)

    class Meta(Row.Meta):
        db_table = table("acted", "prices")


class Location(Row):
    name = models.CharField(max_length=255)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_locations")


class Venue(Row):
    name = models.CharField(max_length=255)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_venues")


class Event(Row):
    code = models.CharField(max_length=100)
    product = models.ForeignKey(StoreProduct, models.CASCADE, related_name="events")
    location = models.ForeignKey(Location, models.SET_NULL, null=True)
    venue = models.ForeignKey(Venue, models.SET_NULL, null=True)
    is_soldout = models.BooleanField()
    finalisation_date = models.DateField(null=True)
    remain_space = models.IntegerField()
    start_date = models.DateField()
    end_date = models.DateField()

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_events")


class Session(Row):
    tutorial_event = models.ForeignKey(Event, models.CASCADE, related_name="sessions")
    title = models.CharField(max_length=255)
    location = models.ForeignKey(Location, models.SET_NULL, null=True)
    venue = models.ForeignKey(Venue, models.SET_NULL, null=True)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField()
    sequence = models.IntegerField()
    url = models.CharField(max_length=500, null=True)

    class Meta(Row.Meta):
        db_table = table("acted", "tutorial_sessions")


class Document(Row):
    store_product = models.OneToOneField(StoreProduct, models.CASCADE, primary_key=True, related_name="document")
    document = models.TextField()
    words = ArrayField(models.TextField())

    class Meta(Row.Meta):
        db_table = table("peer", "documents")


class Word(Row):
    word = models.TextField(primary_key=True)

    class Meta(Row.Meta):
        db_table = table("peer", "words")
