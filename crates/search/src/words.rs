//! Words: one dictionary for the process, and the two tokenizers of the index.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jieba_rs::{Jieba, TokenizeMode};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::scan::Scan;

/// Terms of open government that the general dictionary would break up.
const TERMS: &[&str] = &[
    "一网通办",
    "一网统管",
    "跨省通办",
    "最多跑一次",
    "高效办成一件事",
    "政府信息公开",
    "政务公开",
    "依申请公开",
    "主动公开",
    "不予公开",
    "政策解读",
    "规范性文件",
    "权责清单",
    "负面清单",
    "双随机",
    "放管服",
    "证照分离",
    "告知承诺制",
    "营商环境",
    "行政许可",
    "行政处罚",
    "行政复议",
    "行政裁量权",
    "政务服务",
    "办事指南",
    "好差评",
    "政府采购",
    "统一社会信用代码",
    "公共资源交易",
    "三公经费",
    "乡村振兴",
    "公积金",
    "不动产登记",
    "人民政府办公室",
    "发文字号",
];

/// Words that say nothing about what is looked for.
const STOP: &[&str] = &[
    "的",
    "了",
    "和",
    "与",
    "及",
    "或",
    "在",
    "是",
    "有",
    "吗",
    "呢",
    "吧",
    "啊",
    "我",
    "您",
    "你",
    "想",
    "要",
    "请",
    "请问",
    "怎么",
    "怎样",
    "如何",
    "什么",
    "哪些",
    "哪里",
    "多少",
    "为什么",
    "能否",
    "可以",
];

/// A run of Chinese characters is cut in pieces of this length at most, so that memory does not grow with the text.
const MAX_RUN: usize = 256;

/// The dictionary, with its statistics of unknown words left out: the same words are cut the same way in a document and
/// in a query, and what it does not know falls into single characters that still match.
static DICTIONARY: LazyLock<RwLock<Jieba>> = LazyLock::new(|| {
    let mut jieba = Jieba::new();
    for term in TERMS {
        jieba.add_word(term, None, None);
    }
    RwLock::new(jieba)
});

/// Adds names (organs, places) to the dictionary of the process. Call it before building: what was indexed earlier keeps
/// its old words, which costs rank and no hit, since substrings are found without a dictionary. Words of one character or
/// more than 30, and words with anything but Chinese characters, are passed over.
pub fn add_words(words: &[String]) {
    let mut jieba = DICTIONARY.write().unwrap_or_else(PoisonError::into_inner);
    for word in words {
        let mut scan = Scan::new(word);
        let (mut n, mut plain) = (0, true);
        while let Some(place) = scan.next() {
            n += 1;
            plain &= place.wide && place.joined;
        }
        if plain && (2..=30).contains(&n) && word.chars().count() == n && !jieba.has_word(word) {
            jieba.add_word(word, None, None);
        }
    }
}

/// The words of a run of Chinese characters, each longest one once: what a query needs.
pub(crate) fn cut(run: &str) -> Vec<String> {
    tokenize(run, TokenizeMode::Default)
}

/// Whether a word says nothing about what is looked for.
pub(crate) fn is_stop(word: &str) -> bool {
    STOP.contains(&word)
}

fn tokenize(run: &str, mode: TokenizeMode) -> Vec<String> {
    let jieba = DICTIONARY.read().unwrap_or_else(PoisonError::into_inner);
    jieba.tokenize(run, mode, false).into_iter().map(|t| t.word.to_string()).collect()
}

/// How many bytes of text wait for the indexing thread. The writer's own queue counts documents, not bytes, and would
/// hold ten thousand whole texts in memory; [`crate::Index::put`] waits by this number instead.
#[derive(Clone, Default)]
pub(crate) struct Backlog(Arc<AtomicUsize>);

impl Backlog {
    pub fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
    fn done(&self, bytes: usize) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| Some(n.saturating_sub(bytes)));
    }
}

/// Tokenizer of the field `u`: characters with their positions.
#[derive(Clone)]
pub(crate) struct Characters;

/// Tokenizer of the field `j`: dictionary words, the shorter ones inside long ones too.
#[derive(Clone)]
pub(crate) struct Words(pub Backlog);

impl Tokenizer for Characters {
    type TokenStream<'a> = CharacterStream<'a>;
    fn token_stream<'a>(&'a mut self, text: &'a str) -> CharacterStream<'a> {
        CharacterStream { scan: Scan::new(text), token: Token::default() }
    }
}

/// See [`Characters`].
pub(crate) struct CharacterStream<'a> {
    scan: Scan<'a>,
    token: Token,
}

impl TokenStream for CharacterStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(place) = self.scan.next() else { return false };
        self.token.text.clear();
        self.token.text.push_str(&self.scan.text);
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = place.from;
        self.token.offset_to = place.to;
        true
    }
    fn token(&self) -> &Token {
        &self.token
    }
    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;
    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.0.done(text.len());
        WordStream { scan: Scan::new(text), run: String::new(), held: None, ready: vec![], token: Token::default() }
    }
}

/// See [`Words`].
pub(crate) struct WordStream<'a> {
    scan: Scan<'a>,
    /// The run of Chinese characters being gathered.
    run: String,
    /// A token that ended the run and comes after it; the flag says that it begins the next run.
    held: Option<(String, bool)>,
    /// Words to give out, last first.
    ready: Vec<String>,
    token: Token,
}

impl WordStream<'_> {
    /// Reads on until there is a word to give out.
    fn fill(&mut self) -> bool {
        let mut length = 0;
        if let Some((text, wide)) = self.held.take() {
            if !wide {
                self.ready.push(text);
                return true;
            }
            self.run = text;
            length = 1;
        }
        loop {
            match self.scan.next() {
                Some(place) if place.wide && (length == 0 || place.joined) && length < MAX_RUN => {
                    self.run.push_str(&self.scan.text);
                    length += 1;
                }
                Some(_) if length == 0 => {
                    self.ready.push(self.scan.text.clone());
                    return true;
                }
                Some(place) => {
                    self.held = Some((self.scan.text.clone(), place.wide));
                    break;
                }
                None if length == 0 => return false,
                None => break,
            }
        }
        self.ready = tokenize(&self.run, TokenizeMode::Search);
        self.ready.reverse();
        self.run.clear();
        true
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        while self.ready.is_empty() {
            if !self.fill() {
                return false;
            }
        }
        let Some(word) = self.ready.pop() else { return false };
        self.token.text = word;
        self.token.position = self.token.position.wrapping_add(1);
        true
    }
    fn token(&self) -> &Token {
        &self.token
    }
    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut tokenizer = Words(Backlog::default());
        let mut stream = tokenizer.token_stream(text);
        let mut out = vec![];
        while stream.advance() {
            out.push(stream.token().text.clone());
        }
        out
    }

    #[test]
    fn words_and_runs() {
        let found = words("推进一网通办，PDF文件2017年");
        for word in ["推进", "一网通办", "pdf", "文件", "2017", "年"] {
            assert!(found.contains(&word.to_string()), "{word} in {found:?}");
        }
        assert!(words("").is_empty());
        assert_eq!(words("a b"), ["a", "b"]);
    }

    #[test]
    fn no_character_is_lost() {
        let text = "龘".repeat(1000);
        assert_eq!(words(&text).len(), 1000);
    }

    #[test]
    fn added_words_stay_whole() {
        let name = "云岭谷口镇综合便民中心".to_string();
        add_words(&[name.clone(), "一".into(), "a b".into(), String::new()]);
        assert_eq!(cut(&name), [name]);
    }
}
