use super::*;
use crate::time::{iso, parse_date};
use proptest::prelude::*;

fn day(text: &str) -> Date {
    parse_date(text).expect(text)
}

fn due(from: &str, n: u16) -> String {
    iso(Calendar::builtin().add_working_days(day(from), n).due)
}

const NEXT: &str = r#"{"year": 2027, "notice": null, "holidays": [
    {"name": "元旦", "off": ["2027-01-01/2027-01-03"]},
    {"name": "春节", "off": ["2027-02-05/2027-02-11"], "work": ["2027-02-14"]},
    {"name": "劳动节", "off": ["2027-05-01/2027-05-05"], "work": ["2027-05-08"]},
    {"name": "国庆节", "off": ["2027-10-01/2027-10-07"], "work": ["2027-10-09"]}
]}"#;

#[test]
fn the_embedded_file_is_sound() {
    let notices = notice::read_many(include_str!("workdays.json")).expect("readable");
    assert_eq!(notices.iter().map(|n| n.year).collect::<Vec<_>>(), (2007..=2026).collect::<Vec<_>>());
    for notice in &notices {
        notice.check().expect("sound");
        let doubts = notice.doubts();
        assert!(doubts.is_empty(), "{} {doubts:?}", notice.year);
    }
    assert_eq!(Calendar::builtin().last_published_year(), 2026);
}

#[test]
fn known_make_up_days() {
    let calendar = Calendar::builtin();
    for (year, days) in [
        (2018, "02-11 02-24 04-08 04-28 09-29 09-30 12-29"),
        (2024, "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12"),
        (2025, "01-26 02-08 04-27 09-28 10-11"),
        (2026, "01-04 02-14 02-28 05-09 09-20 10-10"),
    ] {
        let mut date = day(&format!("{year}-01-01"));
        let mut found = Vec::new();
        while date.year() == year {
            if matches!(calendar.kind(date).kind, DayKind::MakeUp(_)) {
                found.push(iso(date).chars().skip(5).collect::<String>());
            }
            date = date.next_day().expect("a next day");
        }
        assert_eq!(found.join(" "), days, "{year}");
    }
}

#[test]
fn kinds_of_days() {
    let calendar = Calendar::builtin();
    for (date, kind) in [
        ("2026-11-23", DayKind::Workday),
        ("2026-11-22", DayKind::Weekend),
        ("2026-10-01", DayKind::Holiday("国庆节".into())),
        ("2026-10-10", DayKind::MakeUp("国庆节".into())),
        ("2006-12-30", DayKind::MakeUp("元旦".into())),
        ("2018-12-31", DayKind::Holiday("元旦".into())),
        ("2020-02-03", DayKind::Workday),
        ("2015-09-03", DayKind::Holiday("抗日战争暨世界反法西斯战争胜利70周年纪念日".into())),
    ] {
        let found = calendar.kind(day(date));
        assert_eq!((found.kind, found.provisional), (kind, false), "{date}");
    }
}

#[test]
fn deadlines_by_the_notices_of_their_years() {
    for (from, n, expected) in [
        ("2018-09-20", 15, "2018-10-17"),
        ("2018-09-20", 30, "2018-11-07"),
        ("2018-12-20", 15, "2019-01-11"),
        ("2019-01-21", 15, "2019-02-14"),
        ("2019-05-14", 15, "2019-06-04"),
        ("2019-05-15", 20, "2019-06-13"),
        ("2019-09-20", 7, "2019-09-30"),
        ("2019-09-20", 20, "2019-10-23"),
        ("2019-09-20", 40, "2019-11-20"),
        ("2019-06-03", 20, "2019-07-02"),
        ("2019-06-10", 15, "2019-07-01"),
        ("2026-11-20", 0, "2026-11-20"),
        ("2026-11-22", 1, "2026-11-23"),
    ] {
        assert_eq!(due(from, n), expected, "{from} + {n}");
    }
}

#[test]
fn a_deadline_explains_itself() {
    let counted = Calendar::builtin().add_working_days(day("2026-09-30"), 3);
    assert_eq!(iso(counted.due), "2026-10-10");
    assert!(!counted.provisional && counted.waits_for.is_none());
    let account: Vec<_> =
        counted.days.iter().filter_map(|d| d.ordinal.map(|o| (o, iso(d.day.date), d.day.kind.label()))).collect();
    assert_eq!(
        account,
        [
            (1, "2026-10-08".to_string(), "工作日".to_string()),
            (2, "2026-10-09".into(), "工作日".into()),
            (3, "2026-10-10".into(), "国庆节调休上班".into()),
        ]
    );
    assert_eq!(counted.days.len(), 10);
}

#[test]
fn beyond_the_last_notice_all_is_provisional() {
    let calendar = Calendar::builtin();
    let counted = calendar.add_working_days(day("2026-11-20"), 40);
    assert!(counted.provisional);
    assert_eq!((counted.waits_for, counted.due.year()), (Some(2027), 2027));
    for (date, working) in [
        ("2027-01-01", false),
        ("2027-05-01", false),
        ("2028-05-02", false),
        ("2027-10-01", false),
        ("2029-10-03", false),
        ("2027-02-05", true),
        ("2027-01-04", true),
        ("2027-01-03", false),
    ] {
        let found = calendar.kind(day(date));
        assert!(found.provisional, "{date}");
        assert_eq!((found.kind.is_working(), calendar.is_working(day(date))), (working, working), "{date}");
    }
    assert!(calendar.kind(day("2024-05-02")).kind == DayKind::Holiday("劳动节".into()));
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let calendar = Calendar::builtin();
    assert_eq!(calendar.add_working_days(Date::MAX, 5).due, Date::MAX);
    let counted = calendar.add_working_days(day("9999-12-01"), u16::MAX);
    assert_eq!(counted.due, Date::MAX);
    let _ = calendar.kind(Date::MIN);
    let _ = calendar.on_or_after(Date::MAX);
    let none = Calendar::from_notices([]).expect("an empty calendar");
    assert_eq!(none.last_published_year(), 0);
    assert!(none.kind(day("2026-10-01")).provisional);
}

#[test]
fn the_next_notice_moves_deadlines_and_makes_them_certain() {
    let old = Calendar::builtin();
    let new = old.with_year(parse_notice(NEXT).expect("a notice")).expect("sound");
    assert_eq!((old.last_published_year(), new.last_published_year()), (2026, 2027));
    let moved = difference(
        &old,
        &new,
        [
            Deadline { from: day("2026-11-02"), days: 20 }, // ends in 2026
            Deadline { from: day("2026-12-21"), days: 20 }, // only becomes certain
            Deadline { from: day("2027-01-25"), days: 20 }, // Spring Festival
        ],
    );
    assert_eq!(moved.iter().map(|m| (m.index, m.days())).collect::<Vec<_>>(), [(1, 0), (2, 4)]);
    assert!(moved.iter().all(|m| m.before.provisional && !m.after.provisional));
    let changed: Vec<String> = changed_days(&old, &new, 2027).iter().map(|(d, _)| iso(d.date)).collect();
    assert!(changed.contains(&"2027-02-05".into()) && changed.contains(&"2027-02-14".into()), "{changed:?}");
    assert!(!changed.contains(&"2027-02-06".into()), "a Saturday was off before");
}

#[test]
fn an_amended_notice_replaces_the_old_one() {
    let first = Calendar::builtin().with_year(parse_notice(NEXT).expect("a notice")).expect("sound");
    let amended = NEXT.replace("2027-05-01/2027-05-05", "2027-05-01/2027-05-04").replace("[\"2027-05-08\"]", "[]");
    let second = first.with_year(parse_notice(&amended).expect("amended")).expect("sound");
    assert!(second.is_working(day("2027-05-05")) && !second.is_working(day("2027-05-08")));
    assert!(!first.is_working(day("2027-05-05")) && first.is_working(day("2027-05-08")));
}

#[test]
fn a_notice_may_fix_days_of_the_december_before() {
    let text = "日期,节日,安排\n2026-12-31,元旦,放假\n2027-01-01,元旦,放假\n２０２７-01-03，元旦，上班\n2027-10-01,国庆节,放假\n";
    let notice = parse_notice(text).expect("a notice");
    assert_eq!(notice.year, 2027);
    let calendar = Calendar::builtin().with_year(notice).expect("sound");
    assert!(!calendar.is_working(day("2026-12-31")) && calendar.is_working(day("2027-01-03")));
}

#[test]
fn wrong_notices_are_refused() {
    let json = |off: &str, work: &str| {
        format!(
            r#"{{"year": 2027, "notice": null, "holidays": [{{"name": "元旦", "off": [{off}], "work": [{work}]}}]}}"#
        )
    };
    for (text, code) in [
        (json(r#""2028-01-01""#, ""), "calendar.year"),
        (json(r#""2026-11-30""#, ""), "calendar.year"),
        (json(r#""2027-01-01""#, r#""2027-01-04""#), "calendar.weekday"),
        (json(r#""2027-01-01", "2027-01-01""#, ""), "calendar.duplicate"),
        (json(r#""2027-01-02""#, r#""2027-01-02""#), "calendar.both"),
        (json("", ""), "calendar.empty"),
        (json(r#""2027-13-01""#, ""), "time.date"),
        (json(r#""2027-01-01/2028-01-01""#, ""), "calendar.format"),
        (json(r#""2027-01-03/2027-01-01""#, ""), "calendar.format"),
        ("{".into(), "calendar.format"),
        ("[]".into(), "calendar.format"),
        ("".into(), "calendar.format"),
        ("2027-01-01,元旦".into(), "calendar.format"),
        ("2027-01-01,元旦,也许".into(), "calendar.format"),
        ("一月一日,元旦,放假".into(), "time.date"),
    ] {
        assert_eq!(parse_notice(&text).expect_err(&text).code(), code, "{text}");
    }
    let twice = parse_notice(NEXT).expect("a notice");
    assert_eq!(Calendar::from_notices([twice.clone(), twice]).expect_err("twice").code(), "calendar.duplicate");
}

#[test]
fn lists_of_days_are_read_too() {
    let text = r#"{"year": 2027, "papers": ["x"], "days": [
        {"name": "元旦", "date": "2027-01-01", "isOffDay": true},
        {"name": "元旦", "date": "2027-01-03", "isOffDay": false}]}"#;
    let notice = parse_notice(text).expect("a notice");
    assert_eq!((notice.off.len(), notice.work.len()), (1, 1));
    assert_eq!(parse_notice(&notice.to_json()).expect("written and read"), notice);
    assert_eq!(notice.doubts().len(), 8);
}

fn any_day() -> impl Strategy<Value = Date> {
    (2_454_102i32..2_462_000).prop_map(|j| Date::from_julian_day(j).expect("a day")) // 2007 to 2028
}

proptest! {
    #[test]
    fn kind_and_is_working_agree(date in any_day()) {
        let calendar = Calendar::builtin();
        prop_assert_eq!(calendar.kind(date).kind.is_working(), calendar.is_working(date));
        prop_assert_eq!(calendar.kind(date).provisional, date.year() > 2026);
    }

    #[test]
    fn counting_forth_and_back(from in any_day(), n in 0u16..120) {
        let calendar = Calendar::builtin();
        let counted = calendar.add_working_days(from, n);
        prop_assert_eq!(calendar.working_days_between(from, counted.due), i64::from(n));
        prop_assert_eq!(calendar.working_days_between(counted.due, from), -i64::from(n));
        prop_assert!(n == 0 || calendar.is_working(counted.due));
        prop_assert_eq!(counted.days.iter().filter(|d| d.ordinal.is_some()).count(), usize::from(n));
        let longer = calendar.add_working_days(from, n + 1);
        prop_assert!(longer.due > counted.due);
        prop_assert!(longer.provisional || !counted.provisional);
    }

    #[test]
    fn a_later_receipt_is_never_due_earlier(from in any_day(), n in 0u16..60) {
        let calendar = Calendar::builtin();
        let next = from.next_day().expect("a next day");
        prop_assert!(calendar.add_working_days(next, n).due >= calendar.add_working_days(from, n).due);
    }

    #[test]
    fn a_holiday_more_never_makes_a_deadline_earlier(from in any_day(), n in 0u16..60, ordinal in 1u16..366) {
        let calendar = Calendar::builtin();
        let extra = Date::from_ordinal_date(2026, ordinal.min(365)).expect("a day of 2026");
        let mut notice = calendar.notice(2026).expect("published").clone();
        prop_assume!(!notice.off.iter().chain(&notice.work).any(|d| d.date == extra));
        notice.off.push(NamedDay { date: extra, name: "加假".into() });
        let more = calendar.with_year(notice).expect("sound");
        prop_assert!(more.add_working_days(from, n).due >= calendar.add_working_days(from, n).due);
    }

    #[test]
    fn a_make_up_day_more_never_makes_a_deadline_later(from in any_day(), n in 0u16..60, week in 0i64..51) {
        let calendar = Calendar::builtin();
        let extra = day("2026-01-03").checked_add(::time::Duration::weeks(week)).expect("a Saturday of 2026");
        let mut notice = calendar.notice(2026).expect("published").clone();
        prop_assume!(!notice.off.iter().chain(&notice.work).any(|d| d.date == extra));
        notice.work.push(NamedDay { date: extra, name: "调休".into() });
        let more = calendar.with_year(notice).expect("sound");
        prop_assert!(more.add_working_days(from, n).due <= calendar.add_working_days(from, n).due);
    }

    #[test]
    fn notices_never_panic(text in "([0-9]{4}-[0-9]{2}-[0-9]{2}|,|元旦|放假|上班|\n|[{}\\[\\]\":]|\\PC){0,30}") {
        let _ = parse_notice(&text);
    }
}
