-- What a custom field's value may be, where Administrate names it: the columns of adm.custom_fields are the reference's.
-- An older program works beside it: it neither reads nor writes this table.
-- older binaries: yes
CREATE TABLE lectern.custom_field_options (
    entity_type text NOT NULL,
    external_id text NOT NULL,
    options jsonb NOT NULL,
    PRIMARY KEY (entity_type, external_id)
);
