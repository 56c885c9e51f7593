"""PATCH of an outcome, a run in full, and a page of runs."""

from typing import Any
from uuid import UUID

from auditlog.context import set_actor
from django.db import transaction
from django.db.models import F
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_twin.models import Card, Run, Step
from rest_framework import generics, serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

COUNTS = {"todo": "n_todo", "passed": "n_passed", "failed": "n_failed"}


class Closed(APIException):
    status_code = 409
    default_detail = "The test run is closed for changes."


class OutcomeSerializer(serializers.Serializer):
    execution_status = serializers.ChoiceField(list(COUNTS))
    exception = serializers.CharField(required=False, allow_null=True)


class StepSerializer(serializers.ModelSerializer):
    class Meta:
        model = Step
        fields = ("id", "title", "description", "step_type", "position", "status", "exception", "created_at", "updated_at", "version")


class CardSerializer(serializers.ModelSerializer):
    steps = StepSerializer(many=True)

    class Meta:
        model = Card
        fields = ("id", "title", "description", "position", "steps")


class RunSerializer(serializers.ModelSerializer):
    class Meta:
        model = Run
        fields = ("id", "number", "title", "description", "system_id", "created_at", "updated_at", "n_todo", "n_passed", "n_failed")


class RunDetailSerializer(RunSerializer):
    cards = CardSerializer(many=True)

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "cards")


class StepView(APIView):
    def patch(self, request: Request, run_id: UUID, card_id: UUID, step_id: UUID) -> Response:
        """The run's row is locked first, so that outcomes of one run follow each other and its counts stay right."""
        wanted = OutcomeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        outcome = wanted.validated_data
        with transaction.atomic(), set_actor(request.user):
            run = get_object_or_404(Run.objects.select_for_update(), pk=run_id)
            if not run.is_open:
                raise Closed
            step = get_object_or_404(Step.objects.select_for_update(of=("self",)), pk=step_id, card_id=card_id, card__run_id=run_id)
            now, before = timezone.now(), step.status
            step.status, step.exception = outcome["execution_status"], outcome.get("exception")
            step.updated_at, step.version = now, step.version + 1
            step.save(update_fields=["status", "exception", "updated_at", "version"])
            counts: dict[str, Any] = {}
            if before != step.status:
                counts = {COUNTS[before]: F(COUNTS[before]) - 1, COUNTS[step.status]: F(COUNTS[step.status]) + 1}
            Run.objects.filter(pk=run_id).update(updated_at=now, **counts)
        return Response(StepSerializer(step).data)


class RunView(generics.RetrieveAPIView):
    queryset = Run.objects.prefetch_related("cards__steps")
    serializer_class = RunDetailSerializer


class RunsView(generics.ListAPIView):
    queryset = Run.objects.order_by("-created_at")
    serializer_class = RunSerializer
