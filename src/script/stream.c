/* SPDX-License-Identifier: MIT */
#include "script/stream.h"

#include "script/skcp_tell.h"
#include "script/state.h"

#include <stdlib.h>

static void reset(struct skt_script_skcp *k, struct skt_stream *st, int reason)
{
    struct skt_session *session = st->session;
    if (st->reset)
        skt_session_release_stream(session, st);
    else
        skt_session_reset_stream(session, st, reason);
    skt_endpoint_touch(k->ep, session);
}

void skt_script_stream_end(struct skt_script_stream *s)
{
    skt_script_handle_end(s->base.app->lua.L, s);
    skt_list_remove(&s->link);
    free(s);
}

void skt_script_stream_reset(struct skt_script_stream *s, int reason)
{
    if (s->k->ep)
        reset(s->k, s->st, reason);
    skt_script_stream_end(s);
}

void skt_script_streams_forget(struct skt_script_skcp *k, uint32_t cid)
{
    for (struct skt_list *l = k->streams.next, *next; l != &k->streams; l = next) {
        struct skt_script_stream *s = SKT_CONTAINER(l, struct skt_script_stream, link);
        next = l->next;
        if (cid == 0 || s->cid == cid)
            skt_script_stream_reset(s, SKT_RESET_ABORT);
    }
}

static struct skt_script_stream *find(const struct skt_script_skcp *k, const struct skt_stream *st)
{
    for (struct skt_list *l = k->streams.next; l != &k->streams; l = l->next) {
        struct skt_script_stream *s = SKT_CONTAINER(l, struct skt_script_stream, link);
        if (s->st == st)
            return s;
    }
    return NULL;
}

static int make_handle(lua_State *L)
{
    skt_script_handle_new(L, SKT_HANDLE_STREAM, lua_touserdata(L, 1));
    return 0;
}

/* False: the callback failed. It may have decided all the same. */
static bool tell(struct skt_script_stream *s)
{
    struct skt_script_skcp *k = s->k;
    struct skt_script_call_arg args[] = {skt_arg_handle(k), skt_arg_integer(s->cid), skt_arg_handle(s),
                                         skt_arg_string(s->st->name, s->st->name_len)};
    struct skt_script_source source = {.kind = SKT_SOURCE_EVENT};
    if (!skt_script_call_protected(&s->base.app->lua, make_handle, s, "on_stream_open", NULL, 0))
        return false;
    return skt_script_skcp_deliver(k, source, SKT_CB_STREAM_OPEN, args, 4, NULL);
}

static void ask_script(struct skt_script_skcp *k, uint32_t cid, struct skt_stream *st)
{
    struct skt_script *app = k->base.app;
    bool wanted = skt_script_call_present(&app->lua, SKT_CB_STREAM_OPEN) && !app->life.stopping;
    struct skt_script_stream *s = wanted ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        reset(k, st, app->life.stopping ? SKT_RESET_REFUSED : SKT_RESET_TARGET);
        return;
    }
    s->base.app = app;
    s->k = k;
    s->cid = cid;
    s->st = st;
    skt_list_append(&k->streams, &s->link);
    if (tell(s))
        return;
    s = find(k, st);
    if (s) /* it failed before it had decided */
        skt_script_stream_reset(s, SKT_RESET_TARGET);
}

void skt_script_stream_on_news(struct skt_script_skcp *k, uint32_t cid, struct skt_stream *st)
{
    struct skt_script_stream *s = find(k, st);
    bool closed = skt_session_state(st->session) == SKT_SESSION_CLOSED;
    if (st->reset && (closed || !skt_stream_has_unread(st))) {
        reset(k, st, SKT_RESET_ABORT);
        if (s)
            skt_script_stream_end(s);
    } else if (!s) { /* else data has come; whoever gets the stream finds it */
        ask_script(k, cid, st);
    }
}
