use super::*;
use proptest::prelude::*;

fn read(text: &str) -> DocumentNumber {
    text.parse().expect(text)
}

#[test]
fn every_way_of_typing_a_letter_number() {
    for text in [
        "国办发〔2017〕47号",
        "国办发[2017]47号",
        "国办发【2017】47号",
        "国办发（2017）47号",
        "国办发(2017)47号",
        "国办发﹝2017﹞47号",
        "国办发［２０１７］４７号",
        "国办发 〔2017〕 47 号",
        "国办发　〔２０１７〕　４７　号",
        "国办发〔2017〕第47号",
        "国办发〔2017〕047号",
        "国办发〔2017〕47",
        "国办发〔2017年〕47号",
        "国办发〔二〇一七〕四十七号",
        "国办发2017年47号",
        "国办发2017年第47号",
        "国办发2017-47号",
        "国办发2017 47号",
        "（国办发〔2017〕47号）",
        "国办发<2017>47号",
        "国办发〔20\u{200b}17〕47号",
    ] {
        let number = read(text);
        assert_eq!(number.to_string(), "国办发〔2017〕47号", "{text}");
        assert_eq!(number.key(), "国办发2017-47", "{text}");
    }
}

#[test]
fn order_numbers() {
    for (text, canonical, key) in [
        ("国务院令第711号", "国务院令第711号", "国务院令711"),
        ("国务院令 第７１１号", "国务院令第711号", "国务院令711"),
        ("国务院令711号", "国务院令第711号", "国务院令711"),
        ("国务院令711", "国务院令第711号", "国务院令711"),
        ("中华人民共和国主席令第三号", "中华人民共和国主席令第3号", "中华人民共和国主席令3"),
        ("中华人民共和国主席令第一〇二号", "中华人民共和国主席令第102号", "中华人民共和国主席令102"),
        ("商务部公告2024年第3号", "商务部公告2024年第3号", "商务部公告2024-3"),
        ("商务部公告2024第3号", "商务部公告2024年第3号", "商务部公告2024-3"),
        ("证监会公告〔2023〕61号", "证监会公告〔2023〕61号", "证监会公告2023-61"),
        (
            "丽水市第三届人民代表大会常务委员会公告第1号",
            "丽水市第三届人民代表大会常务委员会公告第1号",
            "丽水市第三届人民代表大会常务委员会公告1",
        ),
        (
            "中华人民共和国国务院、中华人民共和国中央军事委员会令第290号",
            "中华人民共和国国务院、中华人民共和国中央军事委员会令第290号",
            "中华人民共和国国务院、中华人民共和国中央军事委员会令290",
        ),
    ] {
        let number = read(text);
        assert_eq!((number.to_string().as_str(), number.key().as_str()), (canonical, key), "{text}");
    }
    assert_eq!(read("商务部公告2024年第3号").key(), read("商务部公告〔2024〕3号").key());
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        "无",
        "47号",
        "〔2017〕47号",
        "国办发47号",
        "国办发〔17〕47号",
        "国办发〔2017〕号",
        "国办发〔2017〕0号",
        "国办发〔2017〕1234567号",
        "商务部公告2024",
        "中山路第3号",
        "2017年47号",
        "国办发〔2017〕47号和国办发〔2018〕1号",
        "abc[2017]1",
    ] {
        assert_eq!(text.parse::<DocumentNumber>().expect_err(text).code(), "docnum.format", "{text}");
    }
    assert!(DocumentNumber::letter("国办发2", 2017, 1).is_err());
    assert!(DocumentNumber::letter("国办发", 17, 1).is_err());
    assert!(DocumentNumber::order("国务院", None, 1).is_err());
}

#[test]
fn numbers_in_running_text() {
    for (text, expected) in [
        ("根据《国务院办公厅关于印发政府网站发展指引的通知》（国办发〔2017〕47号）要求", &["国办发〔2017〕47号"][..]),
        ("按照国办发[2017]47号、国办函【2019】61号文件精神", &["国办发〔2017〕47号", "国办函〔2019〕61号"]),
        ("2019年4月3日国务院令第711号修订", &["国务院令第711号"]),
        ("国务院令第492号公布，国务院令第711号修订", &["国务院令第492号", "国务院令第711号"]),
        ("市住房和城乡建设局公告2024年第3号", &["市住房和城乡建设局公告2024年第3号"]),
        ("原国家卫生和计划生育委员会令第9号和商务部令第2号", &["原国家卫生和计划生育委员会令第9号", "商务部令第2号"]),
        ("参见 财库 〔 2020 〕 46 号", &["财库〔2020〕46号"]),
        ("第一行\n国办发〔2017〕47号", &["国办发〔2017〕47号"]),
        ("2019年第3号楼，中山路47号，2017年47号", &[]),
        ("没有文号", &[]),
        ("无关\n\n1993年中华人民共和国国务院令第124号\n无关", &["中华人民共和国国务院令第124号"]),
        ("第七届全国人民代表大会第一次会议主席团公告第八号", &["第七届全国人民代表大会第一次会议主席团公告第8号"]),
    ] {
        let found: Vec<String> = find_all(text).iter().map(|f| f.number.to_string()).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn the_range_says_where_it_stands() {
    let text = "见（ 国办发 【２０１７】 ４７ 号 ）。";
    let found = find_all(text);
    let place = found.first().map(|f| f.range.clone()).expect("one");
    assert_eq!(text.get(place), Some("国办发 【２０１７】 ４７ 号"));
}

proptest! {
    #[test]
    fn a_letter_number_is_read_back(agency in "[国省市甘兰财教建办政发函字规]{1,8}", year in 1949u16..2099, serial in 1u32..99_999) {
        let number = DocumentNumber::letter(&agency, year, serial).expect("a number");
        prop_assert_eq!(number.to_string().parse::<DocumentNumber>(), Ok(number.clone()));
        let wide = crate::text::to_full_width(&number.to_string());
        prop_assert_eq!(wide.parse::<DocumentNumber>().map(|n| n.key()), Ok(number.key()));
        let found = find_all(&format!("（{number}）"));
        prop_assert_eq!(found.first().map(|f| f.number.clone()), Some(number));
    }

    #[test]
    fn an_order_number_is_read_back(agency in "[国省市甘兰财教建办政厅部]{1,8}(令|公告|通告)", year in proptest::option::of(1949u16..2099), serial in 1u32..99_999) {
        let number = DocumentNumber::order(&agency, year, serial).expect("a number");
        prop_assert_eq!(number.to_string().parse::<DocumentNumber>(), Ok(number));
    }

    #[test]
    fn never_panics(text in "([国令第号年〔〕【】公告、0-9一二和 \n]|\\PC){0,60}") {
        let _ = text.parse::<DocumentNumber>();
        for f in find_all(&text) {
            prop_assert!(text.get(f.range).is_some());
        }
    }
}
