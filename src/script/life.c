/* SPDX-License-Identifier: MIT */
#include "script/life.h"

#include "script/app.h"
#include "script/state.h"

#include <stdio.h>

void skt_script_fail(struct skt_script *app, const char *text)
{
    struct skt_script_life *life = &app->life;
    if (life->failed)
        return;
    life->failed = true;
    snprintf(life->fail_text, sizeof life->fail_text, "%s", text);
    if (life->ready) {
        skt_error("%s", text);
        skt_loop_stop(app->loop);
    }
}

bool skt_script_failed(const struct skt_script *app)
{
    return app->life.failed;
}
