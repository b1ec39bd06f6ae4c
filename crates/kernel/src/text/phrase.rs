//! Where an official title may be broken.

/// The phrases of an official title, in order; joined they are the title. A page puts `<wbr>` between them, so that a
/// title on a narrow screen breaks between phrases, as the rule for official documents asks (词意完整), and not inside a
/// word.
///
/// Broken is: after the organ's name, before and after `关于`, after `印发`, `转发`, `公布` and their like when a title follows, around 《》,
/// before `的通知`, `的决定` and their like, after a comma or a space. Never inside 《》, “” or brackets.
///
/// ```
/// use kernel::text::phrases;
/// assert_eq!(
///     phrases("国务院办公厅关于印发《政府网站发展指引》的通知"),
///     ["国务院办公厅", "关于", "印发", "《政府网站发展指引》", "的通知"]
/// );
/// ```
pub fn phrases(title: &str) -> Vec<String> {
    let chars: Vec<char> = title.chars().collect();
    let mut out: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut depth = 0u32;
    let mut i = 0;
    while let Some(c) = chars.get(i).copied() {
        let rest = chars.get(i..).unwrap_or(&[]);
        if depth == 0 {
            let breaks_before = is_open_title(c) || starts(rest, "关于") || kind_of_document(rest).is_some();
            if breaks_before {
                cut(&mut current, &mut out);
            }
            if let Some(verb) = verb_before_title(rest) {
                if current.ends_with(['厅', '府', '院', '会', '局', '部', '委', '室', '办', '署']) {
                    cut(&mut current, &mut out);
                }
                current.extend(rest.iter().take(verb));
                i += verb;
                cut(&mut current, &mut out);
                continue;
            }
            if starts(rest, "关于") {
                current.push_str("关于");
                i += 2;
                cut(&mut current, &mut out);
                continue;
            }
        }
        match c {
            '《' | '〈' | '（' | '(' | '〔' | '“' | '[' | '【' => depth += 1,
            '》' | '〉' | '）' | ')' | '〕' | '”' | ']' | '】' => depth = depth.saturating_sub(1),
            _ => {}
        }
        current.push(c);
        i += 1;
        let next = chars.get(i).copied();
        let closes = matches!(c, '》' | '，' | ',' | '；' | '：' | '、') || c.is_whitespace();
        if depth == 0 && closes && !next.is_some_and(sticks) {
            cut(&mut current, &mut out);
        }
    }
    cut(&mut current, &mut out);
    out
}

fn cut(current: &mut String, out: &mut Vec<String>) {
    if !current.is_empty() {
        out.push(std::mem::take(current));
    }
}

fn is_open_title(c: char) -> bool {
    matches!(c, '《' | '〈')
}

/// Characters that must not begin a line.
fn sticks(c: char) -> bool {
    c.is_whitespace() || matches!(c, '，' | ',' | '；' | '：' | '、' | '。' | '》' | '）' | ')' | '”' | '？' | '！')
}

fn starts(rest: &[char], word: &str) -> bool {
    let mut rest = rest.iter();
    word.chars().all(|c| rest.next() == Some(&c))
}

/// Length of a verb after which a line may break: always before 《, and for the verbs that begin an official title's
/// object (印发, 转发 …) also elsewhere.
fn verb_before_title(rest: &[char]) -> Option<usize> {
    const ALWAYS: &[&str] = &["印发", "转发", "批转", "公布", "发布"];
    const BEFORE_TITLE: &[&str] =
        &["修改", "废止", "修订", "实施", "执行", "同意", "批准", "公开征求", "贯彻落实", "落实"];
    let length = |w: &&str| w.chars().count();
    if let Some(verb) = ALWAYS.iter().find(|w| starts(rest, w)) {
        let n = length(verb);
        // 发布会, 公布日 and 印发的 are other words.
        let next = rest.get(n);
        return (!next.is_none_or(|c| matches!(c, '会' | '日' | '的' | '后' | '时' | '人') || sticks(*c))).then_some(n);
    }
    let verb = BEFORE_TITLE.iter().find(|w| starts(rest, w))?;
    let n = length(verb);
    rest.get(n).is_some_and(|c| is_open_title(*c)).then_some(n)
}

/// Whether `的` and a kind of document end the title here, perhaps with a bracket after them (`的通知（试行）`).
fn kind_of_document(rest: &[char]) -> Option<usize> {
    const KINDS: &[&str] = &[
        "通知",
        "决定",
        "公告",
        "通告",
        "意见",
        "指导意见",
        "实施意见",
        "若干意见",
        "批复",
        "函",
        "复函",
        "报告",
        "请示",
        "通报",
        "命令",
        "令",
        "议案",
        "决议",
        "公报",
        "纪要",
        "规定",
        "若干规定",
        "暂行规定",
        "办法",
        "暂行办法",
        "实施办法",
        "方案",
        "实施方案",
        "工作方案",
        "规划",
        "说明",
        "解读",
        "解释",
        "答复",
        "公示",
        "若干措施",
        "措施",
        "补充通知",
        "紧急通知",
    ];
    if rest.first() != Some(&'的') {
        return None;
    }
    let after = rest.get(1..)?;
    KINDS
        .iter()
        .filter(|k| starts(after, k))
        .map(|k| k.chars().count())
        .find(|n| after.get(*n).is_none_or(|c| matches!(c, '（' | '(') || c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (title, expected) in [
            ("国务院关于加强数字政府建设的指导意见", "国务院|关于|加强数字政府建设|的指导意见"),
            ("关于公布行政规范性文件清理结果的公告", "关于|公布|行政规范性文件清理结果|的公告"),
            (
                "国务院办公厅转发国家发展改革委关于深化公共资源交易平台整合共享指导意见的通知",
                "国务院办公厅|转发|国家发展改革委|关于|深化公共资源交易平台整合共享指导意见|的通知",
            ),
            (
                "国务院关于修改《中华人民共和国政府信息公开条例》的决定",
                "国务院|关于|修改|《中华人民共和国政府信息公开条例》|的决定",
            ),
            ("中华人民共和国政府信息公开条例", "中华人民共和国政府信息公开条例"),
            ("《关于印发方案的通知》解读", "《关于印发方案的通知》|解读"),
            ("关于召开新闻发布会的通知（二）", "关于|召开新闻发布会|的通知（二）"),
            ("2026年上半年工作总结 附表", "2026年上半年工作总结 |附表"),
            ("", ""),
        ] {
            assert_eq!(phrases(title).join("|"), expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_empty(title in "(关于|印发|转发|的通知|的决定|《|》|（|）|“|”|，| |[一-三a-c]){0,20}") {
            let parts = phrases(&title);
            prop_assert_eq!(parts.concat(), title);
            prop_assert!(parts.iter().all(|p| !p.is_empty()));
        }

        #[test]
        fn titles_in_brackets_stay_whole(inner in "(关于|印发|的通知|，|[一-三]){0,10}") {
            let title = format!("关于印发《{inner}》的通知");
            let book = format!("《{inner}》");
            prop_assert!(phrases(&title).contains(&book));
        }
    }
}
