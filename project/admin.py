"""The pages of users and groups, and the log-in, as ``haystack_app`` offers them."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from haystack_app.admin import (
    GroupAdmin,
    StaffLogInForm,
    UserAdmin,
    throttle_password_change,
)

admin.site.site_header = admin.site.site_title = "Haystack server"
admin.site.login_form = StaffLogInForm
throttle_password_change(admin.site)
admin.site.unregister([get_user_model(), Group])
admin.site.register(get_user_model(), UserAdmin)
admin.site.register(Group, GroupAdmin)
