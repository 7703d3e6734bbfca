/// What an account may do, as `SHOW GRANTS` tells it.
#[derive(Debug, Default)]
pub(crate) struct Grants(Vec<(Vec<String>, String)>);

impl Grants {
    pub(crate) fn read<'l>(lines: impl Iterator<Item = &'l str>) -> Self {
        let one = |line: &str| {
            // What follows holds the hash of the password and is left out.
            let line = line.strip_prefix("GRANT ")?;
            let (permissions, rest) = line.split_once(" ON ")?;
            let on = rest.split_once(" TO ")?.0.replace('`', "");
            Some((permissions.split(',').map(|one| one.trim().to_owned()).collect(), on))
        };
        Self(lines.filter_map(one).collect())
    }

    /// Whether it has one of the permissions on one of these.
    pub(crate) fn has(&self, permissions: &[&str], on: &[&str]) -> bool {
        self.0.iter().any(|(held, where_)| {
            on.contains(&where_.as_str())
                && held
                    .iter()
                    .any(|one| one == "ALL PRIVILEGES" || permissions.contains(&one.as_str()))
        })
    }

    /// May see the processes of others.
    pub(crate) fn sees_processes(&self) -> bool {
        self.has(&["PROCESS"], &["*.*"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_read_without_the_password() {
        let lines = [
            "GRANT PROCESS, CREATE USER ON *.* TO `k`@`%` IDENTIFIED BY PASSWORD '*PLANTED'",
            "GRANT SELECT ON `mysql`.`global_priv` TO `k`@`%`",
            "GRANT `role` TO `k`@`%`",
        ];
        let grants = Grants::read(lines.into_iter());
        assert!(grants.sees_processes() && grants.has(&["SELECT"], &["mysql.global_priv"]));
        assert!(!grants.has(&["SELECT"], &["*.*"]) && !grants.has(&["SUPER"], &["*.*"]));
        assert!(!format!("{grants:?}").contains("PLANTED"));
        let all = Grants::read(["GRANT ALL PRIVILEGES ON *.* TO `r`@`h`"].into_iter());
        assert!(all.has(&["SUPER"], &["*.*"]));
    }
}
