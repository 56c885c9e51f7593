"""Where the twin answers: the same paths as Atlas."""

from django.urls import path
from django_twin.views import RunsView, RunView, StepView

urlpatterns = [
    path("api/v1/test-runs", RunsView.as_view()),
    path("api/v1/test-runs/<uuid:pk>", RunView.as_view()),
    path("api/v1/test-runs/<uuid:run_id>/cards/<uuid:card_id>/steps/<uuid:step_id>", StepView.as_view()),
]
