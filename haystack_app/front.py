from django.http import HttpResponse


def front_page(request):
    return HttpResponse("x")
