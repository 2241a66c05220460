"""Rules of alarms."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..kinds.scalars import Number, is_tag_name
from ..kinds.units import preferred_symbol
from ..sql import tables
from ..wire import zinc_reader
from ..wire.errors import ParseError
from .filter_field import FilterField

__all__ = ["AlarmRule", "addresses_of"]

_DAY = 86_400
_LONGEST_WINDOW = 7 * _DAY
_LONGEST_DELAY = 7 * _DAY
_MOST_ADDRESSES = 20
_MOST_STEPS = 4
_BOOLS = {"true": True, "false": False}
_SECONDS = {
    preferred_symbol("s"): 1,
    preferred_symbol("min"): 60,
    preferred_symbol("h"): 3_600,
    preferred_symbol("day"): _DAY,
}


def addresses_of(text: str) -> list[str]:
    """Addresses that are separated by commas, semicolons or blanks."""
    return text.replace(",", " ").replace(";", " ").split()


class AlarmRuleQuerySet(models.QuerySet["AlarmRule"]):
    def enabled(self) -> AlarmRuleQuerySet:
        return self.filter(enabled=True)


class AlarmRule(models.Model):
    """What is wrong with which points, when, and which addresses get mails.

    What it means for a point changes from the time on at which the evaluator sees it:
    earlier alarms are settled. ``problem`` says why it does not work for some of its
    points, of which it has ``points``.
    """

    class Measure(models.TextChoices):
        LAST = "last", _("last value")
        AVG = "avg", _("average")
        MIN = "min", _("least value")
        MAX = "max", _("greatest value")
        SHARE = "share", _("share of true")
        AGE = "age", _("age of the newest sample")

    class Op(models.TextChoices):
        ABOVE = ">", _("is above")
        BELOW = "<", _("is below")
        EQUAL = "==", _("is")
        UNEQUAL = "!=", _("is not")
        OUTSIDE = "outside", _("differs by more than the tolerance from")

    class Operand(models.TextChoices):
        VALUE = "value", _("a value")
        MIN_VAL = "minVal", _("minVal of the point")
        MAX_VAL = "maxVal", _("maxVal of the point")
        POINT = "point", _("another point")

    class Severity(models.IntegerChoices):
        INFO = 1, _("info")
        WARNING = 2, _("warning")
        SEVERE = 3, _("severe")
        CRITICAL = 4, _("critical")

    name = models.CharField(_("name"), max_length=100, unique=True)
    storage = models.CharField(_("storage"), max_length=100, default="default")
    filter = FilterField(
        _("filter"),
        help_text=_("its points, such as zone and air and temp and sensor"),
    )
    enabled = models.BooleanField(
        _("enabled"),
        default=False,
        help_text=_("look at the dry run before you switch it on"),
    )
    measure = models.CharField(
        _("measure"), max_length=5, choices=Measure.choices, default=Measure.LAST
    )
    window_seconds = models.PositiveIntegerField(
        _("window seconds"),
        default=0,
        validators=[MaxValueValidator(_LONGEST_WINDOW)],
        help_text=_("of an average, least or greatest value, or a share"),
    )
    op = models.CharField(
        _("comparison"), max_length=7, choices=Op.choices, default=Op.ABOVE
    )
    operand = models.CharField(
        _("compared with"), max_length=6, choices=Operand.choices, default=Operand.VALUE
    )
    value = models.CharField(
        _("value"),
        max_length=100,
        blank=True,
        help_text=_(
            "in the unit of the points, such as 26°C; 50% for a share; 2h for an "
            'age; true or "fault" for a state'
        ),
    )
    path = models.CharField(
        _("path"),
        max_length=200,
        blank=True,
        help_text=_(
            "refs from the point to the other one, such as spRef or equipRef->zoneSpRef"
        ),
    )
    tolerance = models.FloatField(
        _("tolerance"),
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("in the unit of the points: how far beyond is still right"),
    )
    hysteresis = models.FloatField(
        _("hysteresis"),
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("in the unit of the points: how far a value must be back"),
    )
    delay_seconds = models.PositiveIntegerField(
        _("delay seconds"),
        default=0,
        validators=[MaxValueValidator(_LONGEST_DELAY)],
        help_text=_("how long it must be so"),
    )
    severity = models.PositiveSmallIntegerField(
        _("severity"), choices=Severity.choices, default=Severity.WARNING
    )
    text = models.CharField(
        _("text"),
        max_length=300,
        blank=True,
        help_text=_("what people read, and what to do"),
    )
    suppress = FilterField(
        _("suppressed while"),
        blank=True,
        help_text=_(
            "the equipment of a point matches this filter, such as not enabled"
        ),
    )
    maintenance_until = models.DateTimeField(
        _("maintenance until"),
        null=True,
        blank=True,
        help_text=_("nothing is raised before that time"),
    )
    maintenance_reason = models.CharField(
        _("maintenance reason"), max_length=300, blank=True
    )
    mail_to = models.CharField(
        _("mail to"),
        max_length=1_000,
        blank=True,
        help_text=_("addresses, separated by commas"),
    )
    escalate_minutes = models.PositiveIntegerField(
        _("escalate minutes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(7 * 24 * 60)],
        help_text=_("time without acknowledgement after which others get a mail"),
    )
    escalate_to = models.CharField(
        _("escalate to"),
        max_length=1_000,
        blank=True,
        help_text=_("addresses, separated by commas"),
    )
    edited = models.DateTimeField(_("edited"), auto_now=True)
    problem = models.TextField(_("problem"), blank=True, editable=False)
    points = models.PositiveIntegerField(_("points"), default=0, editable=False)

    objects = AlarmRuleQuerySet.as_manager()

    class Meta:
        db_table = tables.ALARM_RULES
        verbose_name = _("alarm rule")
        verbose_name_plural = _("alarm rules")
        ordering = ["name"]
        default_permissions = ()
        permissions = [("change_rules", "Can change rules of alarms")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError, by field."""
        errors: dict[str, str] = {}
        for check in (_check_measure, _check_operand, _check_people):
            check(self, errors)
        if self.maintenance_until and not self.maintenance_reason.strip():
            errors["maintenance_reason"] = gettext(
                "say why, for those that see no alarms"
            )
        if errors:
            raise ValidationError(errors)

    @property
    def limit(self) -> Any:
        """The scalar of ``value``: Zinc, true or false. Raises ValidationError."""
        if self.value in _BOOLS:
            return _BOOLS[self.value]
        try:
            value = zinc_reader.read_value(self.value)
        except ParseError as err:
            raise ValidationError(f"not a Haystack value: {err}") from None
        if isinstance(value, Number) and value.is_finite:
            return value
        if isinstance(value, bool | str):
            return value
        raise ValidationError(
            gettext('must be a number, true, false, or a text such as "on"')
        )

    @property
    def age_seconds(self) -> float:
        """The limit of an age. Raises ValidationError."""
        limit = self.limit
        if isinstance(limit, Number) and limit.unit in _SECONDS and limit.val > 0:
            return float(limit.val * _SECONDS[limit.unit])
        raise ValidationError(
            gettext("must be a time above 0, such as 2h, 30min or 1day")
        )

    @property
    def steps(self) -> list[str]:
        """The tags of the path."""
        return self.path.split("->") if self.path else []


_EQUALITY = (AlarmRule.Op.EQUAL, AlarmRule.Op.UNEQUAL)
_Errors = dict[str, str]


def _check_measure(rule: AlarmRule, errors: _Errors) -> None:
    measure = AlarmRule.Measure
    is_windowed = rule.measure not in (measure.LAST, measure.AGE)
    if is_windowed and not rule.window_seconds:
        errors["window_seconds"] = gettext("this measure needs a window, such as 3600")
    if not is_windowed and rule.window_seconds:
        errors["window_seconds"] = gettext("this measure has no window: set 0")
    if rule.measure == measure.AGE:
        if rule.op != AlarmRule.Op.ABOVE:
            errors["op"] = gettext("an age can only be above a time")
        if rule.operand != AlarmRule.Operand.VALUE:
            errors["operand"] = gettext("an age is compared with a value, such as 2h")
        if rule.tolerance or rule.hysteresis:
            errors["hysteresis"] = gettext(
                "an age has neither tolerance nor hysteresis: set 0"
            )
    if rule.op in _EQUALITY and (rule.tolerance or rule.hysteresis):
        errors["op"] = gettext(
            "equal values have neither tolerance nor hysteresis: set 0, or choose"
            " “differs by more than the tolerance from”"
        )


def _check_operand(rule: AlarmRule, errors: _Errors) -> None:
    operand = AlarmRule.Operand
    if rule.operand == operand.POINT:
        if not rule.path:
            errors["path"] = gettext("say which point: refs such as spRef")
        elif not all(map(is_tag_name, rule.steps)) or len(rule.steps) > _MOST_STEPS:
            errors["path"] = (
                f"must be up to {_MOST_STEPS} tags of refs, such as spRef or"
                " equipRef->zoneSpRef"
            )
    elif rule.path:
        errors["path"] = gettext("only for a rule that compares with another point")
    if rule.operand != operand.VALUE:
        if rule.value:
            errors["value"] = gettext("only for a rule that compares with a value")
        if rule.measure == AlarmRule.Measure.SHARE:
            errors["operand"] = gettext("a share is compared with a value, such as 50%")
        return
    try:
        _check_value(rule)
    except ValidationError as error:
        errors["value"] = " ".join(error.messages)


def _check_value(rule: AlarmRule) -> None:
    """Raises ValidationError."""
    if not rule.value:
        raise ValidationError(gettext("say which value, such as 26°C or true"))
    if rule.measure == AlarmRule.Measure.AGE:
        assert rule.age_seconds
        return
    limit = rule.limit
    if rule.measure == AlarmRule.Measure.SHARE:
        if not (isinstance(limit, Number) and limit.unit == "%"):
            raise ValidationError(gettext("must be a percentage, such as 50%"))
        if not 0 <= limit.val <= 100:
            raise ValidationError(gettext("must be from 0% to 100%"))
    elif not isinstance(limit, Number):
        if rule.measure != AlarmRule.Measure.LAST:
            raise ValidationError(gettext("must be a number, such as 26°C"))
        if rule.op not in _EQUALITY:
            raise ValidationError(
                gettext("a state can only be compared by “is” and “is not”")
            )


def _check_people(rule: AlarmRule, errors: _Errors) -> None:
    for name in ("mail_to", "escalate_to"):
        addresses = addresses_of(getattr(rule, name))
        if len(addresses) > _MOST_ADDRESSES:
            errors[name] = f"at most {_MOST_ADDRESSES} addresses"
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError:
                errors[name] = f"not an address of mail: {address[:80]}"
    if bool(rule.escalate_minutes) != bool(addresses_of(rule.escalate_to)):
        errors.setdefault(
            "escalate_to",
            gettext("a time and addresses belong together: set both or none"),
        )
