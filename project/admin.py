"""The pages of users and groups, and the log-in, as ``haystack_app`` offers them."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from haystack_app.admin import (
    GroupAdmin,
    StaffLogInForm,
    UserAdmin,
    throttle_password_change,
)

admin.site.site_header = admin.site.site_title = _("Haystack server")
admin.site.login_form = StaffLogInForm
throttle_password_change(admin.site)
admin.site.unregister([get_user_model(), Group])
admin.site.register(get_user_model(), UserAdmin)
admin.site.register(Group, GroupAdmin)
if apps.is_installed("allauth.mfa"):
    # it shows secrets; the list of users has an action that removes second factors
    admin.site.unregister(apps.get_app_config("mfa").get_model("Authenticator"))
