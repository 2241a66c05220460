from django.db import migrations

from ._operations import Hypertable


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0002_postgres")]
    operations = [Hypertable("history", "ts")]
