"""The Django application of the twin."""

from django.apps import AppConfig


class Twin(AppConfig):
    name = "django_twin"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Every change of a step is kept, field by field, by the audit log."""
        from auditlog.registry import auditlog  # noqa: PLC0415 - models may be imported only now
        from django_twin.models import Step  # noqa: PLC0415

        auditlog.register(Step)
