"""The pages of users and groups, and the log-in, as ``haystack_app`` offers them."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from haystack_app.admin import GroupAdmin, StaffLogInForm, UserAdmin

admin.site.site_header = admin.site.site_title = "Haystack server"
admin.site.login_form = StaffLogInForm
admin.site.unregister([get_user_model(), Group])
admin.site.register(get_user_model(), UserAdmin)
admin.site.register(Group, GroupAdmin)
