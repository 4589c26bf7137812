-- Signing in: logins of Lectern, roles that existing accounts have here, and login sessions.
-- A login session is a token whose secret is in a cookie: whatever names a token names a login session, too.
-- older binaries: yes

CREATE TABLE lectern.logins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    account text NOT NULL DEFAULT 'lectern' CHECK (account IN ('lectern', 'auth_user', 'users')),
    account_id bigint,
    argon2 text,
    role text CHECK (role IN ('admin', 'operator', 'reader', 'tutor', 'student', 'parent')),
    subject_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    CONSTRAINT logins_account UNIQUE (account, account_id),
    CONSTRAINT logins_account_id CHECK ((account = 'lectern') = (account_id IS NULL)),
    CONSTRAINT logins_own_password CHECK (account = 'lectern' OR argon2 IS NULL),
    CONSTRAINT logins_own_role CHECK (account = 'auth_user' OR role IS NOT NULL),
    CONSTRAINT logins_subject_by_role
        CHECK (coalesce(role IN ('tutor', 'student', 'parent'), false) = (subject_id IS NOT NULL))
);
CREATE UNIQUE INDEX logins_name_unique ON lectern.logins (lower(name)) WHERE account = 'lectern';
COMMENT ON TABLE lectern.logins IS 'People who may sign in: with a password of Lectern, or with an account that existed.';
COMMENT ON COLUMN lectern.logins.id IS 'Number of the login.';
COMMENT ON COLUMN lectern.logins.name IS 'The name to sign in with; of an existing account its name when the role was given.';
COMMENT ON COLUMN lectern.logins.account IS 'Where the account is: lectern, or the table of public: auth_user or users.';
COMMENT ON COLUMN lectern.logins.account_id IS 'Id of the row in that table; null: lectern.';
COMMENT ON COLUMN lectern.logins.argon2 IS 'The password as an Argon2 hash (PHC string); null: that of the account, or none yet.';
COMMENT ON COLUMN lectern.logins.role IS 'The role; null: admin as long as the account is a superuser.';
COMMENT ON COLUMN lectern.logins.subject_id IS 'The profile of a tutor, student or parent; null: another role.';
COMMENT ON COLUMN lectern.logins.created_at IS 'When the login was made, or first used.';
COMMENT ON COLUMN lectern.logins.disabled_at IS 'Since when it cannot be used; null: it can.';

ALTER TABLE lectern.tokens
    ADD COLUMN login_id bigint REFERENCES lectern.logins ON DELETE CASCADE,
    ADD COLUMN password_digest bytea,
    ADD COLUMN idle_until timestamptz;
CREATE INDEX tokens_login_idx ON lectern.tokens (login_id) WHERE login_id IS NOT NULL;
COMMENT ON COLUMN lectern.tokens.login_id IS 'The login of a login session; null: a token of a program.';
COMMENT ON COLUMN lectern.tokens.password_digest IS
    'SHA-256 of the stored password at the sign-in: the login session ends when the password changes; null: a token of a program.';
COMMENT ON COLUMN lectern.tokens.idle_until IS 'When a login session without a request ends; null: a token of a program.';

CREATE TABLE lectern.login_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    address inet NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_attempts_name_idx ON lectern.login_attempts (name, at);
CREATE INDEX login_attempts_address_idx ON lectern.login_attempts (address, at);
COMMENT ON TABLE lectern.login_attempts IS 'Failed sign-ins of the last hours: too many of them lock a name or an address for some time.';
COMMENT ON COLUMN lectern.login_attempts.id IS 'Number of the attempt.';
COMMENT ON COLUMN lectern.login_attempts.name IS 'The name as typed, in lower case.';
COMMENT ON COLUMN lectern.login_attempts.address IS 'Where it came from.';
COMMENT ON COLUMN lectern.login_attempts.at IS 'When it was made.';

CREATE TABLE lectern.login_links (
    digest bytea PRIMARY KEY,
    login_id bigint NOT NULL REFERENCES lectern.logins ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_links_login_idx ON lectern.login_links (login_id);
COMMENT ON TABLE lectern.login_links IS 'Links that sign in once, without a password.';
COMMENT ON COLUMN lectern.login_links.digest IS 'SHA-256 of the secret in the link.';
COMMENT ON COLUMN lectern.login_links.login_id IS 'The login that the link signs in; its row is deleted when it is used.';
COMMENT ON COLUMN lectern.login_links.expires_at IS 'When the link stops working.';
