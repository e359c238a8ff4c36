/** Last numbers of the addresses of machines that suites put beside the lab's nodes: a lab that is kept has all of them at once. */
export const HOSTS = { crio: 13, docker: 14, cases: 15, bootShell: 16, bootCloud: 17, casesToo: 18, dockershim: 19 };
