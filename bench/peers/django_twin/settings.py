"""Settings of the Django twin: what a deployment for speed would have, and nothing that a write does not need."""

import os

SECRET_KEY = os.environ["TWIN_TOKEN"]  # nothing is signed with it
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "django_twin.urls"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework.authtoken",
    "auditlog",
    "django_twin.app.Twin",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # it sets Content-Length
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "NAME": os.environ["PGDATABASE"],
        "USER": os.environ["PGUSER"],
        "PASSWORD": os.environ["PGPASSWORD"],
        "CONN_MAX_AGE": None,  # a thread keeps its connection
        "OPTIONS": {"options": f"-c search_path={os.environ['TWIN_SCHEMA']} -c jit=off", "server_side_binding": True},
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["django_twin.authentication.KeptToken"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
}
