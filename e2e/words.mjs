// The addresses and words that the journeys follow. A page that is renamed is changed here and nowhere else.
// A word is what a person reads on the link, button or field: the journeys find nothing by class or id.

export const address = {
  ready: '/readyz',
  feed: '/feed.xml',
  sitemap: '/sitemap.xml',
  robots: '/robots.txt',
  portal: 'portal', // the portal's slug: http://portal.localhost:PORT/
  policies: '/zhengce/wenjian/', // the portal's policy column
  search: '/search', // takes ?q=
  missing: '/no-such-page-here.html',
  staffLogin: '/login',
  staffHome: '/',
};

export const word = {
  skip: '跳到主要内容',
  elder: /^长辈版/,
  plainText: /标准字号/, // what stands in place of the elder link while the mode is on
  contrast: /^高对比/,
  plainColour: /标准配色/,
  siteMap: '网站地图',
  allSites: /^(网站群|全部站点|所有站点)/,
  search: '搜索',
  found: /找到.*条|共.*条/,
  gone: /已(经)?撤(下|回)/,
  notFound: /没有找到/,

  username: '账号',
  password: '密码',
  code: /(动态口令|验证码|动态码)/,
  signIn: /^(登录|下一步)/,
  signOut: /^退出/,
  work: /^待办/,
  draft: /^(起草信息|起草)/,
  title: '标题',
  column: /^主栏目/,
  text: /^正文/,
  submit: /^提交/, // 提交审核
  review: /^(通过|审核通过)/,
  opinion: /^(审核)?意见/,
  publish: /^(立即)?(发布|签发)/,
  withdraw: /^撤回/,
  ground: /为什么撤回/,
  withdrawNote: /^具体情况/,
  confirm: /^(确认撤回|撤回)/,
};

// The column in which the staff journey writes, as the form and the public list name it.
export const staffColumn = { label: /政策文件/, path: '/zhengce/wenjian/' };
