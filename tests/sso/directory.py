"""An LDAP server of the tests' own: OpenLDAP in a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.outages.services import Service, free_port

__all__ = ["READER", "SLAPD", "Directory"]

SLAPD = Path("/usr/sbin/slapd")
READER = "secret-of-the-reader"
_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
database mdb
suffix "dc=example,dc=org"
rootdn "cn=reader,dc=example,dc=org"
rootpw {password}
directory {folder}/data
"""
_ENTRIES = """
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups
"""
_PERSON = """
dn: uid={name},ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: {name}
mail: {name}@example.org
userPassword: {password}
"""
_GROUP = """
dn: cn={name},ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: {name}
member: uid={member},ou=people,dc=example,dc=org
"""


class Directory(Service):
    """People by their passwords, and one member of each group."""

    def __init__(
        self, folder: Path, people: dict[str, str], groups: dict[str, str]
    ) -> None:
        (folder / "data").mkdir()
        self.uri = f"ldap://127.0.0.1:{free_port()}"
        config, ldif = folder / "slapd.conf", folder / "entries.ldif"
        config.write_text(_CONFIG.format(folder=folder, password=READER))
        parts = [_ENTRIES]
        parts += [_PERSON.format(name=it, password=word) for it, word in people.items()]
        parts += [_GROUP.format(name=it, member=one) for it, one in groups.items()]
        ldif.write_text("".join(parts))
        # the same program, which loads entries under this name
        add = ["/usr/sbin/slapadd", "-f", str(config), "-l", str(ldif)]
        subprocess.run(add, check=True, capture_output=True)
        super().__init__([str(SLAPD), "-f", str(config), "-h", self.uri, "-d", "0"])

    def answers(self) -> bool:
        import ldap

        try:
            ldap.initialize(self.uri).simple_bind_s()
        except ldap.LDAPError:
            return False
        return True
