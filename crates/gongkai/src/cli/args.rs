//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::demo::Scale;

/// 一个城市的政务公开：网站群、信息发布、依法公开，一个程序。
#[derive(Parser, Debug)]
#[command(name = "gongkai", version, about, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which city: a data folder, or a configuration file.
#[derive(Args, Debug, Clone)]
pub struct City {
    /// 数据目录（内置数据库）
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    pub data: Option<PathBuf>,
    /// 配置文件（TOML，每一项见 gongkai.example.toml）
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub config: Option<PathBuf>,
    /// 密钥文件，默认在用户配置目录下
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// 只在标准输出打印一个 JSON 文档
    #[arg(long)]
    pub json: bool,
}

/// Where to listen.
#[derive(Args, Debug, Clone)]
pub struct Listen {
    /// 公众端监听地址
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// 工作台监听地址
    #[arg(long, value_name = "ADDR")]
    pub staff_listen: Option<String>,
}

/// Commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// 建立并运行演示城市 云川市
    #[command(after_help = "例：gongkai demo --data ./data/demo")]
    Demo {
        /// Which.
        #[command(flatten)]
        city: City,
        /// Where to listen.
        #[command(flatten)]
        listen: Listen,
        /// 数据规模
        #[arg(long, value_enum, default_value_t = Scale::Small)]
        scale: Scale,
        /// 只建立，不运行
        #[arg(long)]
        build_only: bool,
        /// 允许在本机以外的地址上运行演示城市
        #[arg(long)]
        allow_remote: bool,
    },
    /// 初始化一个空的城市，打印三类管理员的一次性密码
    #[command(after_help = "例：gongkai init --data /srv/gongkai --name 云川市")]
    Init {
        /// Which.
        #[command(flatten)]
        city: City,
        /// 城市名称
        #[arg(long, default_value = "本市")]
        name: String,
    },
    /// 运行
    #[command(after_help = "例：gongkai serve --data /srv/gongkai --listen 0.0.0.0:80 --staff-listen 10.0.0.5:8081")]
    Serve {
        /// Which.
        #[command(flatten)]
        city: City,
        /// Where to listen.
        #[command(flatten)]
        listen: Listen,
        /// 允许在本机以外的地址上运行演示城市
        #[arg(long)]
        allow_remote: bool,
    },
    /// 检查一个城市的数据，逐项说明问题和处理办法
    #[command(after_help = "例：gongkai doctor --data /srv/gongkai")]
    Doctor {
        /// Which.
        #[command(flatten)]
        city: City,
    },
    /// 导入
    #[command(subcommand)]
    Import(Import),
    /// 发布器
    #[command(subcommand)]
    Publish(Publish),
    /// 导出
    #[command(subcommand)]
    Export(Export),
    /// 统计指标
    #[command(after_help = "例：gongkai indicators --data ./data/demo --organ shizf --year 2026 --records")]
    Indicators {
        /// Which.
        #[command(flatten)]
        city: City,
        /// 机关（地址词，如 shizf）
        #[arg(long, value_name = "SLUG")]
        organ: String,
        /// 年份
        #[arg(long)]
        year: i32,
        /// 只看这一个指标
        #[arg(long)]
        code: Option<String>,
        /// 同时列出所计的记录
        #[arg(long)]
        records: bool,
    },
    /// 审计
    #[command(subcommand)]
    Audit(Audit),
    /// 生成测试用的大量信息
    #[command(hide = true)]
    Corpus {
        /// Which.
        #[command(flatten)]
        city: City,
        /// 信息总数
        #[arg(long)]
        total: u64,
    },
}

/// `gongkai import …`
#[derive(Subcommand, Debug)]
pub enum Import {
    /// 导入信息（JSON Lines，可以是 .gz）
    #[command(
        after_help = "例：gongkai import documents documents.jsonl.gz --data ./data/demo --site portal --column zhengce/wenjian"
    )]
    Documents {
        /// 文件
        file: PathBuf,
        /// Which.
        #[command(flatten)]
        city: City,
        /// 站点（地址词）
        #[arg(long, value_name = "SLUG")]
        site: String,
        /// 栏目路径
        #[arg(long, value_name = "PATH")]
        column: String,
        /// 最多导入的行数
        #[arg(long)]
        limit: Option<u64>,
        /// 栏目不存在时新建
        #[arg(long)]
        create: bool,
    },
}

/// `gongkai publish …`
#[derive(Subcommand, Debug)]
pub enum Publish {
    /// 重新生成网页；没有变化的保持原样
    #[command(after_help = "例：gongkai publish rebuild --data ./data/demo --site portal")]
    Rebuild {
        /// Which.
        #[command(flatten)]
        city: City,
        /// 只生成一个站点
        #[arg(long, value_name = "SLUG")]
        site: Option<String>,
        /// 连同检索索引一起重新生成
        #[arg(long)]
        full: bool,
    },
    /// 核对已发布的每一个字节；不一致时退出码为 1
    #[command(after_help = "例：gongkai publish verify --data ./data/demo --repair")]
    Verify {
        /// Which.
        #[command(flatten)]
        city: City,
        /// 从数据库重新生成不一致的网页
        #[arg(long)]
        repair: bool,
    },
}

/// `gongkai export …`
#[derive(Subcommand, Debug)]
pub enum Export {
    /// 把一个站点导出为静态文件，任何网站服务器都能使用
    #[command(after_help = "例：gongkai export site --data ./data/demo --site portal --out ./portal")]
    Site {
        /// Which.
        #[command(flatten)]
        city: City,
        /// 站点（地址词）
        #[arg(long, value_name = "SLUG")]
        site: String,
        /// 导出到这个目录
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
}

/// `gongkai audit …`
#[derive(Subcommand, Debug)]
pub enum Audit {
    /// 核对审计链；不成立时退出码为 1
    #[command(after_help = "例：gongkai audit verify --data ./data/demo")]
    Verify {
        /// Which.
        #[command(flatten)]
        city: City,
    },
}
