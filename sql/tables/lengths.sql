-- A text that is too long for its column is never cut.
create table long_texts (id int, c varchar(3), d char(4), n numeric(6, 2));
insert into long_texts values (1, 'abc', 'ab', 12.34), (2, null, 'abcd', 99.99);
alter table long_texts alter c type varchar(2);
alter table long_texts alter d type char(2);
alter table long_texts alter d type char(3) using d || '';
alter table long_texts alter n type numeric(3, 2);
select id, c, d, n from long_texts order by id;
alter table long_texts alter c type varchar(2) using left(c, 2);
alter table long_texts alter d type char(6);
alter table long_texts alter n type numeric(4, 1);
select id, c, d || '|', n from long_texts order by id;
insert into long_texts (c) values ('abc');
update long_texts set c = c || 'x';
create table owners (id int, owner text);
insert into owners values (1, 'ann');
update long_texts set c = 'q' from owners o where o.id = long_texts.id returning long_texts.id, o.owner, c;
delete from long_texts l using owners o where o.id = l.id returning o.owner, upper(o.owner), l.n;
drop table long_texts, owners;
