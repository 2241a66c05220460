"""Small texts of each format to begin with, and pieces that mean something in it."""

from __future__ import annotations

__all__ = ["SEEDS", "TOKENS"]

SEEDS: dict[str, list[str]] = {
    "zinc": [
        'ver:"3.0"\na\n1\n\n',
        'ver:"3.0" id:@p "Pump" m tz:"Oslo"\nts tz:"Oslo",v0 id:@p unit:"kW"\n'
        "2024-03-31T03:00:00+02:00 Oslo,3.5kW\n,NA\n2024-03-31T01:00:00Z,-INF\n\n",
        'ver:"2.0"\r\nid , dis,x\r\n@a"A","q\\u00e9\\n\\"",`http://x/\\#`\r\n,N,R\r\n',
        'ver:"3.0"\na,b\n<<\nver:"3.0" k:{x:1 y}\nc\nT\n\n>>,[1,"two",@r,]\n^hot-water,'
        'C(1.5,-2)\n08:30:00,Color("red")\n',
        '{a b:2, c:[1,[],{d:"e"}] f:<<\nver:"3.0"\nempty\n\n>>}',
        "[2024-02-29,23:59:59.999,-1_000.25e-3m/s,0xFF,N,M,NA,NaN,INF,T,F]",
        '"""three "quotes" """',
        "2024-06-01T08:00:00.123456-04:00 New_York",
    ],
    "hayson": [
        '{"_kind":"grid","meta":{"ver":"3.0"},"cols":[{"name":"a"}],"rows":[{"a":1}]}',
        '{"_kind":"grid","meta":{"ver":"3.0","m":{"_kind":"marker"}},"cols":['
        '{"name":"a","meta":{"unit":"kW"}},{"name":"b"}],"rows":[{"a":{"_kind":"number",'
        '"val":-3.5e2,"unit":"kW"},"b":null},{"b":{"_kind":"grid","cols":'
        '[{"name":"x"}],"rows":[]}}]}',
        '[{"_kind":"ref","val":"a","dis":"A"},{"_kind":"symbol","val":"site"},'
        '{"_kind":"uri","val":"x"},{"_kind":"na"},{"_kind":"remove"},null,true]',
        '{"d":{"_kind":"date","val":"2024-02-29"},"t":{"_kind":"time","val":"08:30:00"},'
        '"n":{"_kind":"number","val":"-INF"},"e":{"_kind":"dict","a":[]}}',
        '[{"_kind":"dateTime","val":"2024-06-01T12:00:00Z","tz":"Oslo"},'
        '{"_kind":"coord","lat":1,"lng":-2.5},{"_kind":"xstr","type":"Bin","val":"a/b"},'
        '{"_kind":"bool","val":true},{"_kind":"str","val":"\\u00e9\\ud83d\\ude00"}]',
    ],
    "json3": [
        '{"meta":{"ver":"3.0"},"cols":[{"name":"a"}],"rows":[{"a":"n:1"}]}',
        '{"meta":{"ver":"2.0","m":"m:","dis":"s:a:b"},"cols":[{"name":"a","unit":"kW"},'
        '{"name":"b"}],"rows":[{"a":"n:-3.5e2 kW","b":null},{"b":{"meta":{"ver":"3.0"},'
        '"cols":[{"name":"x"}],"rows":[{}]}}]}',
        '["r:a A: dis","y:site","u:http://x/","z:","-:","b:a/b","x:Color:red:1",null]',
        '{"d":"d:2024-02-29","t":"h:08:30:00","n":"n:-INF","c":"c:1.5,-2","e":[[],{}]}',
        '["t:2024-06-01T12:00:00Z UTC","t:2024-06-01T08:00:00.5-04:00 New_York",5,1.5]',
        '{"meta":"x","cols":1,"a":"plain \\u00e9\\ud83d\\ude00"}',
    ],
    "trio": [
        "id:@a\ndis: Alpha Tower\nsite\narea:3702ft²\n---\nb\n",
        'dis: "q\\u00e9\\n"\n// comment\ndoc:\n  one\n\n    two\n\nuri:`http://x/`\n-\nc\n',
        'x: Zinc:\n  ver:"3.0" m\n  a,b\n  1,"x"\n  ,\n\ny: {a b:[1,2]}\nz:[]\n',
        "n:Trio:\n  a:1\n  m:Trio:\n    deep\n    text:\n      one\n  b\nend\n",
        "l: [\n  {a b:1},\n  // not this\n  ^hot-water,\n  ]\nafter\r\n",
        "d:2024-02-29\nt:08:30\ndt:2024-06-01T08:00:00-04:00 New_York\nbad:2024-13-99\n"
        'n:-5.5e3kW\ni:-INF\nb:true\nr:R\nc:C(1.5,-2)\nv:Color("red")\ns:5 apples\n',
    ],
    "csv": [
        "a,b\n1,2\n",
        'id,Chilled Water,Café,Café,\n@a Dis,5kW,"x, ""y""\nz",✓,\n,,,,\n',
        '"a"\r\n"1"\r\n\r\n2\r\n',
        "\ufeffname\n",
    ],
}

TOKENS: dict[str, list[str]] = {
    "zinc": [
        *[
            '"',
            '"""',
            "`",
            "\\",
            "\\u",
            "\\u{1F600}",
            "\\$",
            ",",
            ":",
            "@",
            "^",
            "(",
            ")",
            "C(",
            "Bin(",
            "[",
            "]",
            "{",
            "}",
            "<<",
            ">>",
            "//",
            "/*",
            "*/",
            "N",
            "M",
            "T",
            "-",
        ],
        *["\n", "\r\n", "\n\n", " ", "\u00a0", 'ver:"3.0"', "ver:", "1e999", "0x", "_"],
        *["2024-", "12:", "9999-12-31T23:59:59-14:00", "Z", " New_York", "5kW", "°F"],
    ],
    "hayson": [
        *[
            '"',
            "\\",
            "\\ud83d",
            "\\u0000",
            ",",
            ":",
            "[",
            "]",
            "{",
            "}",
            "null",
            "true",
            "1e999",
            "-0",
            "1.5",
            '"_kind":',
            '"val":',
            "{}",
        ],
        *['"_kind":"grid"', '"_kind":"number","val":1', '"_kind":"ref"', '"unit":"x"'],
        *['"tz":"Nowhere"', '"cols":[]', '"rows":[{}]', '"meta":5', '"ver":"3.0"'],
    ],
    "json3": [
        *[
            '"',
            "\\",
            "\\ud83d",
            ",",
            ":",
            "[",
            "]",
            "{",
            "}",
            "null",
            "true",
            "1e999",
            "1.5",
            "m:",
            "z:",
            "n:",
            "s:",
            "r:",
            "x:",
            "t:",
            "c:",
            "b:",
            "q:",
        ],
        *['"meta":{}', '"cols":[{"name":"a"}]', '"rows":[{}]', '"name":1', " ", "kW"],
    ],
    "trio": [
        *[
            "\n",
            "\r\n",
            "\r",
            "\n\n",
            "\n  ",
            "\n\t",
            "\n---\n",
            "\n-",
            " ",
            "\t",
            "\f",
        ],
        *['"', "`", "\\", ":", "@", "^", "(", ")", "[", "]", "{", "}", "//", "Zinc:"],
        *["Trio:", "ver", "<<", ">>", "5kW", "2024-", "12:", "-INF", "R", "\u00a0"],
        *["a:Trio:\n  ", "a:Zinc:\n  ", "a: [\n", "\n  b:\n    c\n", "\u2028", "\x0b"],
    ],
    "csv": [
        *['"', '""', ",", "\n", "\r", "\r\n", "\n\n", " ", "\t", "\x00", "✓", "'", ";"],
        *['"a"', '"\n"', ",,,", "a,a", "\u2028", "\x0b"],
    ],
}
