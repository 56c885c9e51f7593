"""Runs, cards and steps as Django models; a run carries the counts of its steps' statuses."""

import uuid

from django.db import models


class Run(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.BigIntegerField(unique=True)
    title = models.TextField()
    description = models.TextField()
    system_id = models.UUIDField(db_index=True)
    is_open = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_index=True)
    updated_at = models.DateTimeField()
    n_todo = models.IntegerField()
    n_passed = models.IntegerField()
    n_failed = models.IntegerField()

    class Meta:
        db_table = "runs"


class Card(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    run = models.ForeignKey(Run, models.CASCADE, related_name="cards")
    title = models.TextField()
    description = models.TextField()
    position = models.BigIntegerField()

    class Meta:
        db_table = "cards"
        ordering = ("position",)


class Step(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    card = models.ForeignKey(Card, models.CASCADE, related_name="steps")
    title = models.TextField()
    description = models.TextField()
    step_type = models.TextField()
    position = models.BigIntegerField()
    status = models.TextField()
    exception = models.TextField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.IntegerField()

    class Meta:
        db_table = "steps"
        ordering = ("position",)
