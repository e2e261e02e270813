/* SPDX-License-Identifier: MIT */
#include "cli/run_metrics.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/page.h"
#include "config/metrics.h"

#include <errno.h>
#include <string.h>

static void write_metrics(struct skt_process *p, const struct skt_web_request *req, struct skt_web_answer *a)
{
    /* Browsers would store what they don't know. */
    bool classic = !strstr(req->accept, "openmetrics") &&
                   (strstr(req->accept, "text/plain") || strstr(req->accept, "text/html"));
    a->type = classic ? "text/plain; version=0.0.4; charset=utf-8"
                      : "application/openmetrics-text; version=1.0.0; charset=utf-8";
    skt_script_metrics(p->app, a->body, classic);
}

static void answer(void *user, const struct skt_web_request *req, struct skt_web_answer *a)
{
    struct skt_process *p = user;
    const char *ill = skt_script_ill(p->app);
    a->status = "200 OK";
    if (strcmp(req->path, "/metrics") == 0) {
        write_metrics(p, req, a);
    } else if (strcmp(req->path, "/healthy") == 0) {
        a->status = ill ? "503 Service Unavailable" : a->status;
        fprintf(a->body, "%s\n", ill ? ill : "ok");
    } else if (strcmp(req->path, "/status.json") == 0) {
        a->type = "application/json";
        skt_script_status_json(p->app, a->body);
    } else if (strcmp(req->path, "/") == 0) {
        a->type = "text/html; charset=utf-8";
        a->more = skt_cli_page_policy;
        (void)fwrite(skt_cli_page, 1, skt_cli_page_len, a->body);
    } else {
        a->status = "404 Not Found";
    }
}

/* SKT_ERR_IO with errno, SKT_ERR_NOMEM. Nothing is changed then. */
static int open_socket(struct skt_process *p)
{
    struct skt_web *web = NULL;
    struct skt_addr addr = {0};
    const char *wanted = p->conf->metrics_addr;
    int err = wanted ? skt_config_metrics_addr(wanted, &addr) : SKT_OK;
    if (wanted && !err)
        err = skt_web_new(&web, p->loop, &addr);
    if (err)
        return err;
    skt_run_close_metrics(p);
    p->metrics = web;
    p->metrics_addr = addr;
    if (web) {
        char text[SKT_ADDR_TEXT_MAX];
        skt_info("metrics and a status page are on http://%s/", skt_addr_text(&addr, text));
    }
    return SKT_OK;
}

static const char *words(int err)
{
    return err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err);
}

int skt_run_open_metrics(struct skt_process *p)
{
    int err = open_socket(p);
    return err ? skt_cli_failure("metrics_addr %s: %s", p->conf->metrics_addr, words(err)) : SKT_EXIT_OK;
}

void skt_run_serve_metrics(struct skt_process *p)
{
    if (p->metrics)
        skt_web_serve(p->metrics, answer, p);
}

void skt_run_move_metrics(struct skt_process *p)
{
    struct skt_addr addr = {0};
    if (p->conf->metrics_addr)
        (void)skt_config_metrics_addr(p->conf->metrics_addr, &addr);
    if (skt_addr_equal(&addr, &p->metrics_addr))
        return;
    int err = open_socket(p);
    if (err)
        skt_warn("SIGHUP: metrics_addr %s: %s; nothing was changed about the metrics", p->conf->metrics_addr,
                 words(err));
    skt_run_serve_metrics(p);
}

void skt_run_close_metrics(struct skt_process *p)
{
    skt_web_free(p->metrics);
    p->metrics = NULL;
}
