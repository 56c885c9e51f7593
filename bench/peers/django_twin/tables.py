"""Makes the twin's tables and the token that the benchmark calls with: `python -m django_twin.tables`."""

import os

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from django.contrib.auth.models import User
    from rest_framework.authtoken.models import Token

    Token.objects.create(user=User.objects.create(username="bench"), key=os.environ["TWIN_TOKEN"])
