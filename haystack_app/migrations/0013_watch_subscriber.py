from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0012_tasks")]
    operations = [migrations.RenameField("watch", "holder", "subscriber")]
