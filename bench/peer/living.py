"""A living database, made by Django's own migrations, and the move of its tables in Django's way.

`create` makes the tables. `move RUNS` moves them and takes them back; it prints for each run the seconds from the
first lock to the end of the commit, on one connection, without the start of Python and Django.
"""

import json
import sys
import time

from database import connect

connect("administrate")

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402


def migrate(number):
    call_command("migrate", "administrate", number, verbosity=0)


def seconds_of_move():
    """Moves the tables and returns how long they were locked."""
    times = []

    def clock(execute, sql, params, many, context):
        if "SET SCHEMA" in sql:
            times.append(time.perf_counter())
            transaction.on_commit(lambda: times.append(time.perf_counter()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(clock):
        migrate("0002")
    locked, committed = times
    return committed - locked


if sys.argv[1] == "create":
    migrate("0001")
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA adm")
else:
    runs = []
    for _ in range(int(sys.argv[2])):
        runs.append(seconds_of_move())
        migrate("0001")
    json.dump(runs, sys.stdout)
