"""Imports and their corrections as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ..imports.corrections import KINDS
from ..imports.uploads import status_of
from ..models import FileImport, ImportMapping
from ..transfer.tables.mapping import mapping_of
from ..transfer.tables.rows import NAMES
from ..transfer.tables.stamps import ORDERS
from ..wire.files import UnreadableFile
from .jobs import JobSerializer
from .serializers import KnownFieldsMixin

__all__ = [
    "CorrectionsSerializer",
    "ImportMappingSerializer",
    "ImportSerializer",
    "ImportSummarySerializer",
]

_HEADERS = 5_000
_TEXT = 500


def _text(help: str) -> serializers.CharField:
    return serializers.CharField(
        required=False, allow_null=True, max_length=_TEXT, help_text=help
    )


def _choice(options: Any, help: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(
        sorted(options), required=False, allow_null=True, help_text=help
    )


def _texts(most: int, help: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=_TEXT, trim_whitespace=False),
        required=False,
        allow_null=True,
        max_length=most,
        help_text=help,
    )


class CorrectionsSerializer(KnownFieldsMixin, serializers.Serializer[Any]):
    """What decides where the guesses are wrong; null takes a correction back."""

    kind = _choice(KINDS, "of the file, else it is guessed")
    sheets = _texts(100, "of a workbook; else all with content")
    delimiter = _choice(NAMES, "what separates the cells of a row")
    decimal = _choice(("comma", "point"), "the decimal sign of numbers")
    dates = _choice(ORDERS, "the order of day, month and year")
    tz = _text("the zone of times without an offset, else that of each point")
    dst = _choice(("first", "second"), "which one of a local time that occurs twice")
    time = _texts(2, "the column of times, or those of date and time of day")
    year = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1950,
        max_value=9998,
        help_text="of times without one",
    )
    stamps = _choice(("start", "end"), "values are amounts of intervals")
    status = _choice(("skip", "na", "keep"), "what samples with a bad status become")
    convert = serializers.BooleanField(
        required=False, allow_null=True, help_text="convert numbers in other units"
    )
    noValue = _texts(100, "texts of cells without a value")
    point = _text("the id of the point of a table with one column of values")
    ignore = _texts(
        _HEADERS,
        "headers of columns to leave out; * for all that are not those of points",
    )
    mapping = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        required=False,
        allow_null=True,
        help_text="by header: the id of a point, an object with id, unit, factor and"
        " kind, or null to leave it out",
    )
    create = serializers.BooleanField(  # type: ignore[assignment]  # not the method
        required=False, allow_null=True, help_text="make missing points"
    )
    site = _text("the id of the site of points that are made")
    equip = _text("the id of the equip of points that are made")
    skipBad = serializers.RegexField(
        r"^(\d{1,9}|\d{1,2}(\.\d+)?%|100%)\Z",
        required=False,
        allow_null=True,
        max_length=20,
        help_text="invalid rows to leave out at most: a number, or a percentage",
    )

    def validate_mapping(self, value: Any) -> Any:
        if value is None:
            return value
        if len(value) > _HEADERS:
            raise serializers.ValidationError(f"at most {_HEADERS} headers")
        try:
            mapping_of(value)
        except UnreadableFile as err:
            raise serializers.ValidationError(f"{err.where}: {err.reason}") from None
        return value

    def stored(self) -> dict[str, Any]:
        """The names of ``imports.corrections.Corrections``."""
        renamed = {"noValue": "no_value", "skipBad": "skip_bad"}
        return {renamed.get(name, name): it for name, it in self.validated_data.items()}


def corrections_json(stored: dict[str, Any]) -> dict[str, Any]:
    renamed = {"no_value": "noValue", "skip_bad": "skipBad"}
    return {renamed.get(name, name): value for name, value in stored.items()}


class CorrectionsField(serializers.JSONField):
    """Stored corrections under the names of the API."""

    def to_representation(self, value: Any) -> Any:
        return corrections_json(value)


class ImportSummarySerializer(serializers.ModelSerializer[FileImport]):
    """An import without what was understood, which may be long."""

    created = serializers.DateTimeField(source="created_at")
    expires = serializers.DateTimeField(source="expires_at")
    status = serializers.SerializerMethodField(
        help_text="uploading, checking, checked, or that of the job"
    )
    corrections = CorrectionsField()
    checkJob = JobSerializer(source="check_job", allow_null=True)
    job = JobSerializer(allow_null=True, help_text="the job of the import")

    class Meta:
        model = FileImport
        fields = [
            *("id", "name", "size", "received", "created", "expires", "status"),
            *("corrections", "checkJob", "job"),
        ]

    def get_status(self, found: FileImport) -> str:
        return status_of(found)


class ImportSerializer(ImportSummarySerializer):
    found = serializers.JSONField(
        allow_null=True, help_text="what was understood; null before the check"
    )

    class Meta(ImportSummarySerializer.Meta):
        fields = [*ImportSummarySerializer.Meta.fields, "found"]


class ImportMappingSerializer(serializers.ModelSerializer[ImportMapping]):
    corrections = CorrectionsField()
    saved = serializers.DateTimeField(source="saved_at")

    class Meta:
        model = ImportMapping
        fields = ["name", "corrections", "saved"]
